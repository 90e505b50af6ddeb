"""Cases for each of the crew's questions, scored, so that a model can be held beside the rule."""
