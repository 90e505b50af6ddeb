"""Following a run that somebody else started: one file a kind of source."""
