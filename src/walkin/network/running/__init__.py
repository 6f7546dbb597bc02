"""Forwards of a network that was traced: handed out, changed, begun in the middle."""
