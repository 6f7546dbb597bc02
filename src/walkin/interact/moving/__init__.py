"""How the visitor gets about, and where she is."""
