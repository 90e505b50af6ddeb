"""Handwritten digits with a small network."""
