"""Flags: what each command can be told. Knows nothing of what commands do."""
