"""A data set of questions and answers."""
