"""Weights that change: checkpoints as they are written, a training that a script runs."""
