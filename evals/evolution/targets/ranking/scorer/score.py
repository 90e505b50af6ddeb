"""Judges rankings by nDCG over twelve places: python score.py RUNS SCORES.

Discounted gain after Järvelin & Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"
(ACM TOIS 20): an answer at place k is worth 1 / log2(k + 1), over the worth of the best order.
"""

import json
import math
import sys
from pathlib import Path

MOST_BYTES = 65536
PLACES = 12


def ndcg(order, answers):
    """1 where all answers come first, 0 where none is among the places."""
    gained = sum(1 / math.log2(place + 2) for place, one in enumerate(order) if one in answers)
    best = sum(1 / math.log2(place + 2) for place in range(min(len(answers), PLACES)))
    return gained / best


def mean_ndcg(text, answer):
    """The mean over the questions of a case.

    Raises:
        ValueError: it is no ranking of the case's sentences.
    """
    found = json.loads(text)
    if not isinstance(found, list) or len(found) != len(answer["answers"]):
        raise ValueError(f"the output is not {len(answer['answers'])} lists, one a question")
    for order in found:
        if not isinstance(order, list) or len(order) > PLACES:
            raise ValueError(f"a ranking is a list of at most {PLACES} numbers")
        for one in order:
            if type(one) is not int or not 0 <= one < answer["count"]:
                raise ValueError("a ranking holds what is no sentence's number")
        if len(set(order)) != len(order):
            raise ValueError("a ranking holds a sentence twice")
    each = [ndcg(order, right) for order, right in zip(found, answer["answers"])]
    return sum(each) / len(each)


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
        reached = mean_ndcg(text, case["answer"])
    except (ValueError, RecursionError) as error:
        return {"score": 0.0, "why": f"no ranking: {error}"[:300]}
    return {"score": reached, "why": f"answers are ranked at {reached:.3f} of the best order"}


def main(runs, scores):
    made = {folder.name: score(folder) for folder in sorted(Path(runs).iterdir())}
    Path(scores).write_text(json.dumps(made))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
