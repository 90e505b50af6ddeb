"""A small coding agent round a real language model: what self-evolution improves, and measures."""
