"""What hands point at, hold and press."""
