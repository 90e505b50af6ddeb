"""Keeping the weights of the last and the best epoch."""
