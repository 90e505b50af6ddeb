"""The data that scikit-learn brings, split once and for all, and read in shards."""

import importlib.util
import time
from pathlib import Path

import numpy as np

SHARDS = 12


def load(name):
    """Features, scaled to a mean of 0 and a spread of 1, and what is to be predicted."""
    folder = Path(importlib.util.find_spec("sklearn").origin).parent / "datasets" / "data"
    if name == "diabetes":
        x = np.loadtxt(folder / "diabetes_data_raw.csv.gz")
        y = np.loadtxt(folder / "diabetes_target.csv.gz")
    elif name == "digits":
        table = np.loadtxt(folder / "digits.csv.gz", delimiter=",")
        x, y = table[:, :-1], table[:, -1].astype(int)
    else:
        file = {"wine": "wine_data.csv", "breast_cancer": "breast_cancer.csv"}[name]
        table = np.loadtxt(folder / file, delimiter=",", skiprows=1)
        x, y = table[:, :-1], table[:, -1].astype(int)
    return (x - x.mean(0)) / (x.std(0) + 1e-9), y


def split(name):
    """Rows by part: train, validation, holdout."""
    x, y = load(name)
    order = np.random.default_rng(0).permutation(len(x))
    first, second = int(0.6 * len(x)), int(0.8 * len(x))
    parts = {"train": order[:first], "validation": order[first:second], "holdout": order[second:]}
    return {part: (x[rows], y[rows]) for part, rows in parts.items()}


class Loader:
    """Batches in shards: a pass goes through the shards in a random order.

    Args:
        without: names of shards to leave out.
        odd: how often the labels of a batch are no good, as in data that nobody has cleaned.
    """

    def __init__(self, x, y, batch, seed, hooks, without=(), odd=0.0):
        self.seed, self.batch, self.hooks, self.odd = seed, max(1, batch), hooks, odd
        names = [f"shard-{number:02d}" for number in range(SHARDS)]
        rows = np.array_split(np.arange(len(x)), SHARDS)
        kept = [(name, part) for name, part in zip(names, rows) if name not in set(without)]
        self.shards = kept or list(zip(names, rows))
        self.x, self.y = x, y

    def __call__(self, step):
        """The name of the step's shard, its batch, and the seconds that loading took."""
        begun = time.perf_counter()
        self.hooks.loading(step)
        turn, place = divmod(step, len(self.shards))
        order = np.random.default_rng([self.seed, turn]).permutation(len(self.shards))
        name, rows = self.shards[order[place]]
        random = np.random.default_rng([self.seed, step, 1])
        chosen = random.choice(rows, min(self.batch, len(rows)), replace=False)
        x, y = self.x[chosen], self.y[chosen]
        if random.random() < self.odd:
            y = random.permutation(y)
        x, y = self.hooks.batch(step, name, x, y)
        return name, x, y, time.perf_counter() - begun
