"""Tasks, assignments and labels, every one cited by frame ordinal and PTS."""
