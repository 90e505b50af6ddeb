"""Plain parts of the literature review: sentences, ranking, settings that a sentence reports."""
