"""Writes cases.jsonl: `python -m evals.evolution.targets.designer.cases`.

Each split has landscapes of its own, every kind as often; the budgets of trials go round.
"""

import json
from pathlib import Path
from typing import Any

from evals.evolution.targets.designer.landscapes import KINDS, landscape

FOLDER = Path(__file__).parent
SEARCHES = 24
TRIALS = (12, 20, 30)
COUNTS = {"analysis": 1, "gate": 6, "sealed": 6}
"""Landscapes of each kind in a split."""


def cases() -> str:
    """The cases' file, JSON lines."""
    lines: list[dict[str, Any]] = []
    for split, count in COUNTS.items():
        for number in range(count):
            for place, kind in enumerate(KINDS):
                land = landscape(kind, f"{split} {number}")
                trials = TRIALS[(number + place) % len(TRIALS)]
                lines.append(_case(f"{split}-{kind}-{number}", split, land, trials, SEARCHES))
    # All is lost there whatever is chosen: no settings are worth anything.
    flat = {**landscape("bowl", "canary"), "lost": [1.0, 1.0, 1.0], "noise": 0.0}
    lines.append(_case("flat", "canary", flat, 5, 1))
    return "".join(json.dumps(line) + "\n" for line in lines)


def _case(id: str, split: str, land: dict[str, Any], trials: int, searches: int) -> dict[str, Any]:
    return {
        "id": id,
        "split": split,
        "input": {"landscape": land, "trials": trials, "searches": searches},
        "answer": {"landscape": land, "searches": searches},
    }


if __name__ == "__main__":
    (FOLDER / "cases.jsonl").write_text(cases(), encoding="utf-8")
