"""Small bugs in research code, each with the tests that show it and the tests that guard the rest."""
