"""The step of a checkpoint: as it says itself, else as its name does."""

import re
from collections.abc import Mapping

_KEYS = (
    "global_step", "step", "steps", "iteration", "iterations", "iter", "num_updates", "updates",
)  # fmt: skip
_WORD = re.compile(r"(?:^|[^a-z])(?:global[_-]?step|steps?|iter(?:ation)?s?|checkpoint|ckpt)"
                   r"[_=:.-]?(\d{1,12})(?!\d)")  # fmt: skip
_EPOCH = re.compile(r"epochs?[_=:.-]?\d+")
_NUMBER = re.compile(r"(?<![\d.])\d{1,12}(?![\d.]\d)(?!\d)")


def known_step(values: Mapping[str, object]) -> int | None:
    """The step among named values."""
    for key in _KEYS:
        value = values.get(key)
        if type(value) is int and 0 <= value < 10**15:
            return value
    return None


def step_of_name(name: str) -> int | None:
    """The step that a file's name tells: ckpt-0012, step_500, epoch=3-step=120.ckpt, 500.pt.

    An epoch is no step.
    """
    low = name.lower()
    found = _WORD.findall(low)
    if found:
        return int(found[-1])
    stem = _EPOCH.sub("", low.rpartition(".")[0] or low)
    numbers = _NUMBER.findall(stem)
    alone = len(numbers) == 1 and "epoch" not in low and "." not in stem
    return int(numbers[0]) if alone else None
