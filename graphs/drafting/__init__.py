"""The machine that drafts a ticket for a repository that the crew has never seen.

It has no checkpoints of its own: each step is an effect of the ledger under a key made of what it
does, so a draft that was killed is run from its start and repeats nothing.
"""
