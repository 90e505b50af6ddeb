"""Losses that JSON lines hold as null: not measured here, or NaN."""

import math
from collections.abc import Sequence
from dataclasses import replace

from labcrew.domain.monitoring import Observation
from tools.metric_names import is_loss, role

_MOST_LOSSES = 50


class Nulls:
    """Remembers beside which numbers a loss stood: where null stands in such a line, it is NaN.

    JSON has no NaN, so some programs write null. Others have the same keys in every line, and null
    is what that line doesn't tell of: then it tells of something else, or training goes on.
    """

    def __init__(self) -> None:
        self._beside: dict[str, frozenset[str]] = {}

    def take(self, found: Observation, nulls: Sequence[str]) -> Observation:
        """The observation of a line with NaN for the losses that went missing.

        Args:
            nulls: names that stand with null.
        """
        there = frozenset(found.numbers)
        for name in there:
            if is_loss(name) and (name in self._beside or len(self._beside) < _MOST_LOSSES):
                self._beside[name] = there
        trains = any(role(name) == "train_loss" for name in there)
        gone = [
            name
            for name in nulls
            if name in self._beside
            and there <= self._beside[name]
            and (role(name) == "train_loss" or not trains)
        ]
        if not gone:
            return found
        return replace(found, numbers={**found.numbers, **dict.fromkeys(gone, math.nan)})
