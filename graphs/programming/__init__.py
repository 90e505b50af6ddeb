"""The loop that writes code: a model's replies, acted on one at a time, each of them once."""
