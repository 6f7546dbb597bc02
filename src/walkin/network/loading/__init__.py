"""From what a visitor typed to a network that is ready to run."""
