"""Logistic regression by gradient descent."""

import numpy as np


def sigmoid(z):
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def loss(weights, features, targets, penalty=0.0):
    """The mean negative log-likelihood plus penalty/2 · |weights|²."""
    likely = np.clip(sigmoid(features @ weights), 1e-12, 1 - 1e-12)
    fit_part = -(targets * np.log(likely) + (1 - targets) * np.log(1 - likely)).mean()
    return float(fit_part + 0.5 * penalty * (weights @ weights))


def gradient(weights, features, targets, penalty=0.0):
    """The gradient of the loss in the weights."""
    errors = targets - sigmoid(features @ weights)
    return features.T @ errors / len(targets) + penalty * weights


def fit(features, targets, rate=0.5, steps=200, penalty=0.0):
    """Weights after gradient descent from 0."""
    weights = np.zeros(features.shape[1])
    for _ in range(steps):
        weights = weights - rate * gradient(weights, features, targets, penalty)
    return weights


def predict(weights, features):
    """0 or 1 for each row."""
    return (features @ weights > 0).astype(int)
