"""How the graph of a network is found: one forward pass, watched operation by operation."""
