"""The sections of the panel, one a file: what each shows, and what can be changed there."""
