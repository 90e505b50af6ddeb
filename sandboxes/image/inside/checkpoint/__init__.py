"""Looks at checkpoints without loading one: whole, finite, and of which step."""
