"""Tables of predictions that a run left: one row an example, not a log of metrics."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping

from agents.drafting import judge
from agents.drafting.readings import split_of
from labcrew.domain.draft import Series
from labcrew.domain.survey import Place

_STEPS = {
    "epoch", "epochs", "step", "steps", "global_step", "iteration", "iterations", "iter", "iters",
    "round", "episode", "batch",
}  # fmt: skip
_SCORES = frozenset(("score", "scores", "prob", "probability", "y_score"))
"""Columns of how sure a program is: no predicted class or value."""
_ID = re.compile(r"(?:\w+_)?(?:id|index|row|idx)|i|name|key|file|path")
_FEWEST = 8
_CLASSES = ("accuracy", "balanced accuracy", "f1", "precision", "recall")
_NUMBERS = ("rmse", "mae", "r2", "mse")
_RIGHT = re.compile(r"\b(?:right|correct(?:ly)?|accura(?:te|tely|cy)|hits?)\b", re.IGNORECASE)
_CLOSE = re.compile(r"\b(?:errors?|close[rs]?|closest|off|miss(?:es)?)\b", re.IGNORECASE)


def predictions_in(path: str, place: str, text: str) -> tuple[Series, ...] | None:
    """The metrics that a table of predictions amounts to; None where a file is no such table.

    They are computed as the evaluator computes them, from text that is data and no more.

    Args:
        path: of the file, in the workspace.
        place: of the file, beneath the outputs; one that begins with ../ can't be scored.
    """
    columns = _columns(path, text)
    names = {name.strip().lower(): name for name in columns}
    found = [name for name in judge.PREDICTION if name in names and name not in _SCORES]
    truth = [name for name in judge.TRUTH if name in names]
    ids = [name for name in names if _ID.fullmatch(name)]
    rows = len(next(iter(columns.values()), []))
    if rows < _FEWEST or not found or not (truth or ids) or _STEPS & names.keys():
        return None
    if len(found) != 1 or len(truth) != 1 or place.startswith("../"):
        return ()
    values = _scores(columns[names[truth[0]]], columns[names[found[0]]])
    header = f"{rows} rows of {', '.join(columns)}"[:300]
    return tuple(
        Series(
            name=name,
            values=(value,),
            count=1,
            split=split_of(place),
            file=place,
            computed=(truth[0], found[0]),
            evidence=(Place(path=path, text=header),),
        )
        for name, value in values.items()
    )


def computed_odds(sentence: str, series: Series) -> tuple[float, str]:
    """How likely a computed metric is meant, beside others of the same predictions."""
    because = f"computed from {series.computed[0]} and {series.computed[1]} of {series.file}"
    if series.name == "accuracy":
        return (3.0 if _RIGHT.search(sentence) else 1.0), because
    if series.name in ("rmse", "mae"):
        close = 2.0 if _CLOSE.search(sentence) else 0.6
        return close + 0.4 * (series.name == "rmse"), because
    return -0.5, because


def _columns(path: str, text: str) -> dict[str, list[str]]:
    """A table's cells by column; nothing where the rows aren't all alike."""
    rows: list[Mapping[str, object]] = []
    try:
        if path.endswith((".csv", ".tsv")):
            delimiter = "\t" if path.endswith(".tsv") else ","
            rows += csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
        elif path.endswith(".jsonl"):
            rows += [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError, csv.Error):
        return {}
    if not rows or not all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        return {}
    if any(name is None or value is None for row in rows for name, value in row.items()):
        return {}
    return {name: [str(row[name]) for row in rows] for name in rows[0]}


def _scores(truth: list[str], found: list[str]) -> dict[str, float]:
    right, said = list(map(judge.same, truth)), list(map(judge.same, found))
    numbers = [_number(cell) for cell in (*right, *said)]
    values = [value for value in numbers if value is not None]
    if len(values) < len(numbers) or _few_whole(values):
        return {name: judge.classes_score(name, right, said, "") for name in _CLASSES}
    if not all(map(math.isfinite, values)) or set(values[: len(right)]) <= {0.0, 1.0}:
        return {}  # chances of a class, or no numbers at all
    left, other = values[: len(right)], values[len(right) :]
    try:
        scores = {name: judge.numbers_score(name, left, other) for name in _NUMBERS}
    except OverflowError:
        return {}
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _few_whole(values: list[float]) -> bool:
    """Whether numbers are names of classes: whole, and few."""
    return all(value.is_integer() for value in values) and len(set(values)) <= min(
        100, len(values) // 4
    )


def _number(cell: str) -> float | None:
    try:
        return float(cell.strip("'"))
    except ValueError:
        return None
