"""Which augmentation each image gets."""

from loading.augment import Augmenter
from loading.seeds import shares, worker_seed


class Loader:
    """Goes over the images of a data set, epoch by epoch."""

    def __init__(self, total, workers=4, seed=0):
        self.total = total
        self.workers = workers
        self.seed = seed

    def epoch(self, number):
        """image index → choice, for one epoch."""
        chosen = {}
        for worker, indices in enumerate(shares(self.total, self.workers)):
            augmenter = Augmenter(worker_seed(self.seed, 0, worker))
            for index in indices:
                chosen[index] = augmenter.choose()
        return chosen
