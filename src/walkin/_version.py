"""The version of walkin, written nowhere else."""

__version__ = "0.1.0"
