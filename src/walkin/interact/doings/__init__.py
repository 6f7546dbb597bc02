"""What can be done, by name: a table of acts for each thing that they are about."""
