"""Draws a world into a view. Knows no window, no headset, no torch."""
