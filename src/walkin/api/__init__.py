"""What a script calls. The caller's model and process-wide settings stay alone."""
