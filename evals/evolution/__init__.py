"""Self-evolution, measured."""
