"""Where walls stand, which there are, and in what order they show their channels."""
