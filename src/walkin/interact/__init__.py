"""Input becomes changes of the world and requests. Knows no GL and no torch."""
