"""Stopping a training run when the validation loss no longer falls."""

import math


class EarlyStopping:
    """Tells when to stop.

    Args:
        patience: epochs in a row without improvement after which to stop, at least 1.
        min_delta: a fall of the loss by this much or less is no improvement.
    """

    def __init__(self, patience=3, min_delta=0.0):
        if patience < 1:
            raise ValueError("patience must be at least 1")
        self.patience = patience
        self.min_delta = min_delta
        self.best = math.inf
        self.best_epoch = None
        self.epoch = -1
        self.bad = 0

    def update(self, loss):
        """Takes an epoch's loss; returns whether to stop now."""
        self.epoch += 1
        if loss < self.best - self.min_delta:
            self.best, self.best_epoch, self.bad = loss, self.epoch, 0
        else:
            self.bad += 1
        return self.bad >= self.patience


def train(losses, patience=3, min_delta=0.0):
    """Goes through epochs' losses; returns (epochs run, best epoch)."""
    stopping = EarlyStopping(patience, min_delta)
    epochs = 0
    for loss in losses:
        epochs += 1
        if stopping.update(loss):
            break
    return epochs, stopping.best_epoch
