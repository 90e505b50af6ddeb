"""Says what chosen settings are truly worth: python score.py RUNS SCORES.

The mean over a run's searches of the landscape's score without noise.
"""

import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from landscapes import truth

MOST_BYTES = 1 << 18


def mean_truth(text, answer):
    """The mean of the true scores of a run's settings.

    Raises:
        ValueError: they are not settings of the landscape, or not as many as asked for.
    """
    found = json.loads(text)
    land = answer["landscape"]
    names = {"choice", *(f"x{k}" for k in range(len(land["numbers"])))}
    if not isinstance(found, list) or len(found) != answer["searches"]:
        raise ValueError(f"the output is not a list of {answer['searches']} settings")
    for values in found:
        if not isinstance(values, dict) or set(values) != names:
            raise ValueError(f"settings have exactly {', '.join(sorted(names))}")
        if type(values["choice"]) is not int or values["choice"] not in (0, 1, 2):
            raise ValueError("choice is 0, 1 or 2")
        for k, number in enumerate(land["numbers"]):
            value = values[f"x{k}"]
            if type(value) not in (int, float) or not math.isfinite(value):
                raise ValueError(f"x{k} is no finite number")
            if not number["low"] <= value <= number["high"]:
                raise ValueError(f"x{k} lies outside its range")
    return sum(truth(land, values) for values in found) / len(found)


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
            raise ValueError("the output is larger than 256 KiB")
        reached = mean_truth(text, case["answer"])
    except (ValueError, OverflowError, RecursionError) as error:
        return {"score": 0.0, "why": f"no settings: {error}"[:300]}
    return {"score": reached, "why": f"the settings are worth {reached:.3f} of 1"}


def main(runs, scores):
    made = {folder.name: score(folder) for folder in sorted(Path(runs).iterdir())}
    Path(scores).write_text(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
