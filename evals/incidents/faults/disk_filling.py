"""Checkpoints are large and none is ever removed, until the workspace is full."""

import os
from pathlib import Path


class Injected:
    """Magnitude: MiB a checkpoint."""

    programs = ("numpy_network", "sklearn_sgd", "torch_net")
    magnitudes = (7.0, 12.0)
    moments = (0.05, 0.2)
    disk_mb = 80
    save_every = 8
    options = "--pace 0.05"
    expected = ("disk_filling", "storage_full")
    right = ("free_space",)

    keep = 10_000

    def __init__(self, moment: int, magnitude: float, seed: int) -> None:
        self.moment, self.magnitude = moment, magnitude

    def saved(self, step: int, path: Path) -> None:
        if step >= self.moment:
            beside = path.with_name(path.name + ".state")
            with beside.open("wb") as file:
                file.write(os.urandom(int(self.magnitude * (1 << 20))))
