"""Small bugs in research code, each with tests that show it and tests that guard the rest."""
