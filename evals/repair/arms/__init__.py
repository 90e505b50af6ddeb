"""Ways to have a bug repaired, one a file; each answers with whole files."""
