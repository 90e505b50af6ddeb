"""Which epochs are kept."""

import math

from checkpoints.store import read, write


class Keeper:
    """Saves every epoch as `last` and the one with the lowest loss as `best`."""

    def __init__(self, folder):
        self.folder = folder
        self.best_loss = math.inf
        self.epoch = 0

    def resume(self):
        """Goes on where a former process stopped; returns its weights or None."""
        last = read(self.folder, "last")
        if last is None:
            return None
        self.epoch = last["epoch"]
        best = read(self.folder, "best")
        if best is not None:
            self.best_loss = best["loss"]
        return last["weights"]

    def save(self, weights, loss):
        """Takes the weights and validation loss of the next epoch; returns whether it is best."""
        self.epoch += 1
        content = {"epoch": self.epoch, "weights": weights, "loss": loss}
        write(self.folder, "last", content)
        better = loss < self.best_loss
        if better:
            self.best_loss = loss
            write(self.folder, "best", content)
        return better
