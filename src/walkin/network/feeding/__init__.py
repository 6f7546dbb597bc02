"""The pictures that networks are fed: where they come from, and how each becomes an input."""
