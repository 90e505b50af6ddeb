"""The model's parameters and their optimiser."""
