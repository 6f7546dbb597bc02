"""The room as it was: undone, saved, gone back to, named."""
