"""The hidden pipeline of a seed, and the cases that ask for it."""

import json
from random import Random
from typing import Any

OPTIONS: dict[str, tuple[str, ...]] = {
    "loader": ("csv", "jsonl", "parquet", "sql", "avro"),
    "preprocessor": ("none", "zscore", "minmax", "rank", "clip"),
    "algorithm": ("linear", "tree", "forest", "neighbours", "boosting"),
    "formatter": ("table", "records", "text", "markdown", "binary"),
}
BEGINNING = {
    "loader": "sql", "preprocessor": "clip", "algorithm": "linear", "formatter": "text"
}  # fmt: skip


def hidden(seed: int) -> dict[str, str]:
    """The pipeline to be found, each of the 625 as likely."""
    random = Random(f"hidden pipeline {seed}")
    return {place: random.choice(modules) for place, modules in OPTIONS.items()}


def cases(seed: int) -> str:
    """The cases' file, JSON lines."""
    nowhere = dict.fromkeys(OPTIONS, "no such module")
    lines: list[dict[str, Any]] = [
        {"id": id, "split": split, "input": {"repeat": number}, "answer": answer}
        for number, (id, split, answer) in enumerate(
            (
                ("look", "analysis", hidden(seed)),
                ("decide", "gate", hidden(seed)),
                ("last", "sealed", hidden(seed)),
                ("nowhere", "canary", nowhere),
            ),
            1,
        )
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)
