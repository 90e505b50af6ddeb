"""Writes cases.jsonl from scorer/topics.toml: `python -m evals.evolution.targets.ranking.cases`.

One case a topic: its sentences among those of two other topics of the same split, in an order drawn
once, and three questions. No sentence stands in two splits.
"""

import json
import tomllib
from pathlib import Path
from random import Random
from typing import Any

FOLDER = Path(__file__).parent
BESIDE = 2
"""Topics whose sentences stand among a topic's own."""


def cases() -> str:
    """The cases' file, JSON lines."""
    topics = tomllib.loads((FOLDER / "scorer" / "topics.toml").read_text("utf-8"))["topic"]
    lines = []
    for topic in topics:
        same = [other for other in topics if other["split"] == topic["split"]]
        place = same.index(topic)
        pool = [
            sentence
            for step in range(BESIDE + 1)
            for sentence in _sentences(same[(place + step) % len(same)])
        ]
        Random(topic["name"]).shuffle(pool)
        answers = [sorted(map(pool.index, ask["answers"])) for ask in topic["ask"]]
        questions = [ask["question"] for ask in topic["ask"]]
        lines.append(_case(topic["name"], topic["split"], pool, questions, answers))
    # Nothing answers: a ranking that scores here has found a way round the scorer.
    lines.append(_case("nothing", "canary", ["This sentence is alone."], ["Is it?"], [[7]]))
    return "".join(json.dumps(line) + "\n" for line in lines)


def _case(
    id: str, split: str, sentences: list[str], questions: list[str], answers: list[list[int]]
) -> dict[str, Any]:
    return {
        "id": id,
        "split": split,
        "input": {"sentences": sentences, "questions": questions, "limit": 12},
        "answer": {"count": len(sentences), "answers": answers},
    }


def _sentences(topic: dict[str, Any]) -> list[str]:
    return [*topic["beside"], *(answer for ask in topic["ask"] for answer in ask["answers"])]


if __name__ == "__main__":
    (FOLDER / "cases.jsonl").write_text(cases(), encoding="utf-8")
