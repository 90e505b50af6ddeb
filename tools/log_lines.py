"""Metrics out of a line of log, as labs print them; the text is data and nothing else."""

import json
import math
import re
from typing import Any

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"
_PAIR = re.compile(
    # Names are capped: "a-a-a-…" would else be read again from each of its letters.
    r"(?<![\w./])(?<!\w-)([A-Za-z][\w./-]{0,79}(?: [A-Za-z]\w{0,79})?)\s*(?:[=:]\s*|\s)"
    rf"({_NUMBER})(?!\w|\.\w)",
    re.IGNORECASE,
)
STEPS = ("step", "global_step", "iteration", "iter", "epoch", "it")
_LINE_CAP = 4000


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
