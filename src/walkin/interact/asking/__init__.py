"""What the visitor wants to know of a network, or to change in it."""
