"""Stochastic gradient descent on lists of numbers."""


class SGD:
    """Gradient descent with momentum.

    Args:
        weights: changed in place.
        rate: the learning rate.
        momentum: how much of the last step's velocity is kept, in [0, 1).
        nesterov: whether to look ahead along the velocity.
    """

    def __init__(self, weights, rate=0.1, momentum=0.0, nesterov=False):
        if not 0.0 <= momentum < 1.0:
            raise ValueError("momentum must be in [0, 1)")
        self.weights = weights
        self.rate = rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.velocity = [0.0] * len(weights)

    def step(self, gradient):
        """Moves the weights once."""
        for i, slope in enumerate(gradient):
            velocity = self.momentum * self.velocity[i] + slope
            self.velocity[i] = slope
            change = slope + self.momentum * velocity if self.nesterov else velocity
            self.weights[i] -= self.rate * change


def minimise(gradient, start, steps, **options):
    """Runs SGD from a start; returns the weights."""
    weights = list(start)
    optimiser = SGD(weights, **options)
    for _ in range(steps):
        optimiser.step(gradient(weights))
    return weights
