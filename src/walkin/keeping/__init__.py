"""What is kept of a visit, and what brings it back: scenes, settings, and a visit that ended with a crash."""
