"""Small bugs in research code, with the tests that show each and those that guard the rest."""
