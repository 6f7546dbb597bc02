"""What of a trace becomes a wall. No torch."""
