"""Self-evolution: a machine of its own."""
