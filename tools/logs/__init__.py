"""What a run's log says, line by line, whatever program wrote it."""
