"""Tints: the colours of words in the room, linear light with opacity."""

NAME = (0.80, 0.84, 0.90, 1.0)
DIM = (0.36, 0.42, 0.52, 1.0)
ACCENT = (0.95, 0.62, 0.22, 1.0)
ALERT = (0.85, 0.10, 0.60, 1.0)
