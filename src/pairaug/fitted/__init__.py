"""A fitted model on the disk: the run that made it, its file, and what it saw."""
