"""The targets: a folder each, with the program that is evolved, its scorer, cases and components."""
