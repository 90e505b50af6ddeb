"""Checks packings in exact arithmetic and adds up their radii: python score.py RUNS SCORES.

There is no tolerance: a number is taken as the double that it reads as, and all comparisons are
made between fractions. Circles that touch are fine.
"""

import json
import math
import sys
from fractions import Fraction
from pathlib import Path

MOST_BYTES = 65536


def circles_of(text, count):
    """The circles as (x, y, radius) in fractions.

    Raises:
        ValueError: it is not what was asked for.
    """
    found = json.loads(text, parse_constant=_refuse)
    if not isinstance(found, dict) or not isinstance(found.get("circles"), list):
        raise ValueError('the output is not {"circles": [[x, y, radius], …]}')
    rows = found["circles"]
    if len(rows) != count:
        raise ValueError(f"{len(rows)} circles, not {count}")
    for row in rows:
        if not isinstance(row, list) or len(row) != 3:
            raise ValueError("a circle is not [x, y, radius]")
        for number in row:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise ValueError("a circle holds something that is no number")
            if not math.isfinite(float(number)):
                raise ValueError("a circle holds a number that is not finite")
    return [tuple(Fraction(float(number)) for number in row) for row in rows]


def total(circles, side):
    """The sum of the radii.

    Raises:
        ValueError: a circle has a negative radius, sticks out, or overlaps another.
    """
    for place, (x, y, r) in enumerate(circles):
        if r < 0:
            raise ValueError(f"circle {place} has a negative radius")
        if x < r or y < r or x + r > side or y + r > side:
            raise ValueError(f"circle {place} sticks out of the square")
        for other, (u, v, s) in enumerate(circles[:place]):
            if (x - u) ** 2 + (y - v) ** 2 < (r + s) ** 2:
                raise ValueError(f"circles {other} and {place} overlap")
    return sum(r for _, _, r in circles)


def score(folder):
    """What one run is worth, and why."""
    case = json.loads((folder / "case.json").read_text())
    file = folder / "output"
    if not file.is_file():
        return {"score": 0.0, "why": "there is no output"}
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise ValueError("the output is larger than 64 KiB")
        answer = case["answer"]
        reached = float(total(circles_of(text, answer["count"]), Fraction(answer["side"])))
    except (ValueError, RecursionError, OverflowError) as error:
        return {"score": 0.0, "why": f"not a packing: {error}"[:300]}
    return {"score": reached, "why": f"the radii add up to {reached:.6f}"}


def _refuse(word):
    raise ValueError(f"{word} is no finite number")


def main(runs, scores):
    made = {folder.name: score(folder) for folder in sorted(Path(runs).iterdir())}
    Path(scores).write_text(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
