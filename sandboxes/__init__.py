"""Adapters for containers and git: the only folder that imports docker and git."""
