"""Counts the places whose module is the hidden one: python score.py RUNS SCORES.

It says how many are right and never which.
"""

import json
import sys
from pathlib import Path

PLACES = ("loader", "preprocessor", "algorithm", "formatter")
MOST_BYTES = 4096


def right(text, hidden):
    """How many places are right.

    Raises:
        ValueError: it is no pipeline.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or set(found) != set(PLACES):
        raise ValueError(f"a pipeline has exactly the places {', '.join(PLACES)}")
    if not all(isinstance(found[place], str) for place in PLACES):
        raise ValueError("a module is named by a text")
    return sum(found[place] == hidden[place] for place in PLACES)


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
            raise ValueError("the output is larger than 4 KiB")
        count = right(text, case["answer"])
    except (ValueError, RecursionError) as error:
        return {"score": 0.0, "why": f"no pipeline: {error}"[:300]}
    return {"score": count / len(PLACES), "why": f"{count} of {len(PLACES)} modules are right"}


def main(runs, scores):
    made = {folder.name: score(folder) for folder in sorted(Path(runs).iterdir())}
    Path(scores).write_text(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
