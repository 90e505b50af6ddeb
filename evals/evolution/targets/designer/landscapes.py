"""Search spaces with a known truth, like those of training programs: drawn by a seed.

Parameters are placed on a unit cube, logarithmic ones by their logarithm. Every score lies between
0 and 1; a run's has noise on top.
"""

import math
from collections.abc import Mapping
from random import Random
from typing import Any

KINDS = ("bowl", "ridge", "cliff", "rugged")
"""bowl: one broad optimum; ridge: two parameters that must fit each other; cliff: the best settings
lie beside those that diverge; rugged: many local optima on a broad one."""


def landscape(kind: str, seed: object) -> dict[str, Any]:
    """A landscape as plain data."""
    random = Random(f"landscape {kind} {seed}")
    numbers = [
        {
            "low": 1e-5 if k == 0 else 0.0,
            "high": 1.0,
            "log": k == 0,
            "best": random.uniform(0.15, 0.85),
            "narrow": random.uniform(1.0, 6.0) if k < 3 else random.uniform(0.0, 0.5),
        }
        for k in range(random.choice((2, 3, 4, 6)))
    ]
    lost = [0.0, random.uniform(0.02, 0.3), random.uniform(0.02, 0.3)]
    random.shuffle(lost)
    return {
        "kind": kind,
        "numbers": numbers,
        "lost": lost,
        "tilt": random.uniform(-0.8, 0.8),
        "waves": random.uniform(8, 20),
        "noise": random.choice((0.01, 0.03, 0.06)),
    }


def truth(land: dict[str, Any], values: Mapping[str, float]) -> float:
    """The score of settings without noise, from 0 to 1.

    Args:
        land: of `landscape`.
        values: "x0", "x1" … and "choice".
    """
    lacks = 0.0
    first: list[tuple[float, float]] = []
    for k, number in enumerate(land["numbers"]):
        value = values[f"x{k}"]
        if number["log"]:
            place = math.log(value / number["low"]) / math.log(number["high"] / number["low"])
        else:
            place = (value - number["low"]) / (number["high"] - number["low"])
        away = place - number["best"]
        if k < 2:
            first.append((place, away))
        lacks += number["narrow"] * away * away
    kind = land["kind"]
    if kind == "ridge":
        across = first[0][1] + (1 if land["tilt"] > 0 else -1) * first[1][1]
        lacks += 25 * across * across
    score: float = math.exp(-lacks) - land["lost"][int(values["choice"])]
    if kind == "rugged":
        score -= 0.08 * (1 - math.cos(land["waves"] * (first[0][1] + 0.5 * first[1][1])))
    if kind == "cliff" and first[0][0] > land["numbers"][0]["best"] + 0.08:
        score = 0.0
    return min(1.0, max(0.0, score))
