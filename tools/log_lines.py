"""Metrics out of a line of log, as labs print them; the text is data and nothing else."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from labcrew.domain.experiment import MetricPoint

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"
_PAIR = re.compile(
    # Names are capped: "a-a-a-…" would else be read again from each of its letters.
    r"(?<![\w./])(?<!\w-)([A-Za-z][\w./-]{0,79}(?: [A-Za-z]\w{0,79})?)\s*(?:[=:]\s*|\s)"
    rf"({_NUMBER})(?!\w|\.\w)",
    re.IGNORECASE,
)
STEPS = ("step", "global_step", "iteration", "iter", "epoch", "it")
_LINE_CAP = 4000
_LARGEST_STEP = 2**53


def _numbers(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    found = {}
    for key, number in value.items():
        if isinstance(number, int | float) and not isinstance(number, bool):
            try:
                found[str(key)] = float(number)
            except OverflowError:
                found[str(key)] = math.inf if number > 0 else -math.inf
    return found


def metrics(line: str) -> dict[str, float]:
    """Every name and number of a line: a JSON object's, else `name=1`, `name: 1` or `name 1`.

    Bare NaN and Infinity are numbers. A line without any gives an empty dict.
    """
    text = line.strip()[:_LINE_CAP]
    if text.startswith("{"):
        try:
            return _numbers(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return {name.replace(" ", "_"): float(number) for name, number in _PAIR.findall(text)}


def step_of(found: dict[str, float], fallback: int) -> int:
    """The step a line speaks of, else `fallback`."""
    spelt = {name.lower(): value for name, value in found.items()}
    for name in STEPS:
        value = spelt.get(name)
        if value is not None and abs(value) <= _LARGEST_STEP:
            return int(value)
    return fallback


def points(lines: Iterable[str], cap: int = 2000) -> tuple[MetricPoint, ...]:
    """The finite metrics of a whole log, at most `cap` of them, evenly thinned."""
    found = [
        MetricPoint(name=name, step=step_of(numbers, position), value=value)
        for position, numbers in enumerate(metrics(line) for line in lines)
        for name, value in numbers.items()
        if name.lower() not in STEPS and math.isfinite(value)
    ]
    stride = -(-len(found) // cap) or 1
    return tuple(found[::stride])
