"""Feature visualisation: pictures that a part of a network answers to as strongly as it can."""
