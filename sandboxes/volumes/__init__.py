"""Workspaces: capped file systems, who keeps them, whose they are, and what is left of them."""
