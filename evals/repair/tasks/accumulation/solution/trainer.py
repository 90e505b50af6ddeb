"""Training a linear model y = w·x by gradient descent with accumulated gradients."""


def micro_batches(samples, size):
    """Consecutive groups of at most `size` samples."""
    return [samples[i : i + size] for i in range(0, len(samples), size)]


def mean_gradient(weight, batch):
    """The mean gradient of the squared error over a batch of (x, y)."""
    return sum(2 * (weight * x - y) * x for x, y in batch) / len(batch)


def windows(batches, steps):
    """Groups of `steps` micro-batches that make one update; the last may be shorter."""
    return [batches[i : i + steps] for i in range(0, len(batches), steps)]


def epoch(weight, samples, rate, size, steps=1):
    """One pass over the samples.

    Args:
        weight: at the start.
        samples: pairs of x and y.
        rate: the learning rate.
        size: samples in a micro-batch.
        steps: micro-batches for one update.

    Returns:
        The weight and the number of updates.
    """
    updates = 0
    for window in windows(micro_batches(samples, size), steps):
        seen = sum(len(batch) for batch in window)
        total = 0.0
        for batch in window:
            total += mean_gradient(weight, batch) * len(batch) / seen
        weight -= rate * total
        updates += 1
    return weight, updates


def loss(weight, samples):
    """The mean squared error."""
    return sum((weight * x - y) ** 2 for x, y in samples) / len(samples)
