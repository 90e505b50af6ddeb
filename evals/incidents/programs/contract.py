"""What a run takes from its surroundings: where it saves, where it starts, what it changes."""

import os
import time
from pathlib import Path


class Surroundings:
    """The variables that a supervisor may set; without any, the run is as its options say."""

    def __init__(self, outputs, hooks):
        self.outputs = Path(outputs)
        self.hooks = hooks
        self.folder = Path(os.environ.get("LABCREW_CHECKPOINTS") or self.outputs / "checkpoints")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.resume = os.environ.get("LABCREW_RESUME") or None
        self.rate_scale = float(os.environ.get("LABCREW_LEARNING_RATE_SCALE") or 1)
        self.batch_scale = float(os.environ.get("LABCREW_BATCH_SCALE") or 1)
        quarantine = os.environ.get("LABCREW_QUARANTINE")
        self.without = Path(quarantine).read_text().split() if quarantine else []
        self._times = open(self.outputs / "steps.csv", "a", buffering=1)  # noqa: SIM115 - open as long as the run
        self._times.write("step,time\n")

    def begin(self, step):
        """Notes when a step began."""
        self._times.write(f"{step},{time.time():.4f}\n")
        self.hooks.before_step(step, self.batch_scale)

    def save(self, step, suffix, write):
        """Writes a checkpoint under a temporary name, moves it in place, and keeps the newest."""
        path = self.folder / f"step-{step:05d}{suffix}"
        partial = path.with_name("partial" + suffix)
        write(partial)
        os.replace(partial, path)
        self.hooks.saved(step, path)
        kept = sorted(self.folder.glob(f"step-*{suffix}"))
        for old in kept[: -self.hooks.keep]:
            old.unlink()
        return path
