"""Which of a run's numbers are losses, validation numbers, gradient norms, by their names."""


def is_loss(name: str) -> bool:
    """Whether lower is better by the name's own meaning."""
    lowered = name.lower()
    return any(word in lowered for word in ("loss", "nll", "perplexity", "cross_entropy"))
