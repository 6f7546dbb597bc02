"""A walk as pictures or a film."""
