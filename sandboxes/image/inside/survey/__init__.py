"""Reads a repository it has never seen, inside the sandbox: nothing of it is imported or run."""
