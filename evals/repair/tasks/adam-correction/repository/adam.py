"""Adam on lists of numbers."""

import math


class Moments:
    """Running means of the gradient and of its square."""

    def __init__(self, size):
        self.first = [0.0] * size
        self.second = [0.0] * size
        self.steps = 0

    def update(self, gradient, beta1, beta2):
        """Takes one gradient."""
        self.steps += 1
        for i, slope in enumerate(gradient):
            self.first[i] = beta1 * self.first[i] + (1 - beta1) * slope
            self.second[i] = beta2 * self.second[i] + (1 - beta2) * slope * slope

    def corrected(self, i, beta1, beta2):
        """Both means of one weight without the bias towards their start at 0."""
        first = self.first[i] / (1 - beta1)
        second = self.second[i] / (1 - beta1**self.steps)
        return first, second


class Adam:
    """Adam without weight decay; the weights are changed in place."""

    def __init__(self, weights, rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.weights = weights
        self.rate = rate
        self.beta1, self.beta2 = beta1, beta2
        self.epsilon = epsilon
        self.moments = Moments(len(weights))

    def step(self, gradient):
        """Moves the weights once."""
        self.moments.update(gradient, self.beta1, self.beta2)
        for i in range(len(self.weights)):
            first, second = self.moments.corrected(i, self.beta1, self.beta2)
            self.weights[i] -= self.rate * first / (math.sqrt(second) + self.epsilon)
