"""People are told by webhook and e-mail when they are needed."""
