import numpy as np


class Network:
    """One hidden layer with ReLU, softmax on top."""

    def __init__(self, inputs, hidden, classes, rng):
        self.w1 = rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden))
        self.b1 = np.zeros(hidden)
        self.w2 = rng.normal(0, np.sqrt(2 / hidden), (hidden, classes))
        self.b2 = np.zeros(classes)

    def forward(self, x):
        self.hidden = np.maximum(0, x @ self.w1 + self.b1)
        scores = self.hidden @ self.w2 + self.b2
        scores = scores - scores.max(axis=1, keepdims=True)
        exp = np.exp(scores)
        return exp / exp.sum(axis=1, keepdims=True)

    def step(self, x, y, rate, decay):
        p = self.forward(x)
        loss = -np.log(p[np.arange(len(y)), y] + 1e-12).mean()
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        back = (p @ self.w2.T) * (self.hidden > 0)
        self.w2 -= rate * (self.hidden.T @ p + decay * self.w2)
        self.b2 -= rate * p.sum(axis=0)
        self.w1 -= rate * (x.T @ back + decay * self.w1)
        self.b1 -= rate * back.sum(axis=0)
        return loss
