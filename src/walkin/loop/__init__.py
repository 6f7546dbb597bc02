"""What the frame loop hands on, one noun each: it joins them, and they do not know each other."""
