"""The targets: a folder each, with the program, its scorer, cases and components."""
