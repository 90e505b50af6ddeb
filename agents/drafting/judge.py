"""Scores the predictions that a run left; prints {"name": value}. Needs nothing but Python.

Laid into a ticket as it stands, so that a person can read all of it. It runs where a repository's
own software is, perhaps an older Python. Nothing of a run is executed: no pickle is opened.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys

TRUTH = ("y_true", "true", "label", "labels", "target", "targets", "actual", "truth", "y", "gold")
PREDICTION = (
    *("y_pred", "pred", "preds", "prediction", "predictions", "predicted", "yhat", "y_hat"),
    *("output", "forecast", "score", "scores", "prob", "probability", "y_score"),
)


def table(path: str) -> dict[str, list[object]]:
    """A CSV, TSV, JSON, JSON-lines or NPZ file as columns."""
    if path.endswith((".csv", ".tsv")):
        with open(path, newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t" if path.endswith(".tsv") else ","))
    elif path.endswith(".npz"):
        import numpy

        with numpy.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name].ravel().tolist() for name in arrays.files}
    else:
        with open(path, encoding="utf-8") as file:
            if path.endswith(".jsonl"):
                rows = [json.loads(line) for line in file if line.strip()]
            else:
                found = json.load(file)
                if isinstance(found, dict):
                    return {str(k): v for k, v in found.items() if isinstance(v, list)}
                rows = found
    if not rows:
        sys.exit(path + " holds no row")
    return {str(name): [row[name] for row in rows] for name in rows[0] if name is not None}


def column(columns: dict[str, list[object]], wanted: str, usual: tuple[str, ...]) -> list[object]:
    """The column that is named, else the only one with a usual name."""
    by_name = {name.strip().lower(): values for name, values in columns.items()}
    if wanted:
        if wanted.lower() not in by_name:
            sys.exit("no column " + wanted + "; there are " + ", ".join(columns))
        return by_name[wanted.lower()]
    found = [by_name[name] for name in usual if name in by_name]
    if len(found) != 1:
        sys.exit("which column is it? There are " + ", ".join(columns))
    return found[0]


def number(value: object) -> float:
    found = float(str(value))
    if not math.isfinite(found):
        sys.exit("a value is " + str(value) + ", not a finite number")
    return found


def same(value: object) -> str:
    """A class as it compares: 1, 1.0 and "1" are one."""
    try:
        return repr(float(str(value)))
    except ValueError:
        return str(value).strip()


def classes_score(metric: str, truth: list[str], found: list[str], positive: str) -> float:
    """Accuracy, error, balanced accuracy; precision, recall and F1, macro or of one class."""
    if metric in ("accuracy", "error"):
        right = sum(a == b for a, b in zip(truth, found)) / len(truth)
        return right if metric == "accuracy" else 1 - right
    parts = []
    for name in [positive] if positive else sorted({*truth, *found}):
        hits = sum(a == b == name for a, b in zip(truth, found))
        said, there = found.count(name), truth.count(name)
        precision = hits / said if said else 0.0
        recall = hits / there if there else 0.0
        f1 = 2 * hits / (said + there) if said + there else 0.0
        if metric == "balanced accuracy" and not there:
            continue
        parts.append({"precision": precision, "f1": f1}.get(metric, recall))
    return sum(parts) / len(parts)


def numbers_score(metric: str, truth: list[float], found: list[float]) -> float:
    """MSE, RMSE, MAE, R2, and the area under the ROC curve of scores for class 1."""
    gaps = [a - b for a, b in zip(truth, found)]
    squares = sum(gap * gap for gap in gaps)
    if metric == "mse":
        return squares / len(gaps)
    if metric == "rmse":
        return math.sqrt(squares / len(gaps))
    if metric == "mae":
        return sum(abs(gap) for gap in gaps) / len(gaps)
    mean = sum(truth) / len(truth)
    if metric == "r2":
        spread = sum((value - mean) ** 2 for value in truth)
        return 1 - squares / spread if spread else math.nan
    if set(truth) != {0.0, 1.0}:
        sys.exit("auc needs the classes 0 and 1")
    ranks: dict[float, float] = {}
    ordered = sorted(found)
    for place, value in enumerate(ordered):
        ranks.setdefault(value, place + (ordered.count(value) + 1) / 2)
    positives = sum(1 for value in truth if value)
    total = sum(ranks[score] for score, value in zip(found, truth) if value)
    return (total - positives * (positives + 1) / 2) / (positives * (len(truth) - positives))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("outputs", help="the folder that a run left")
    parser.add_argument("split", help="validation or holdout; only validation is known")
    parser.add_argument("--name", required=True, help="what the ticket calls the metric")
    parser.add_argument("--metric", required=True, help="accuracy, error, f1, rmse, …")
    parser.add_argument("--file", required=True, help="the predictions, beneath outputs")
    parser.add_argument("--truth", default="", help="the column of right answers")
    parser.add_argument("--prediction", default="", help="the column of predictions")
    parser.add_argument("--labels", default="", help="a file of the repository with the answers")
    parser.add_argument("--id", default="", help="the column that names a row in both files")
    parser.add_argument("--positive", default="", help="the one class that counts")
    given = parser.parse_args()
    if given.split != "validation":
        sys.exit("these predictions are for validation alone, not for " + given.split)
    made = table(given.outputs + "/" + given.file)
    found = column(made, given.prediction, PREDICTION)
    answers = table(given.labels) if given.labels else made
    truth = column(answers, given.truth, TRUTH)
    if given.labels and given.id:
        known = dict(zip(map(str, column(answers, given.id, ())), truth))
        if len(known) != len(truth):
            sys.exit("the labels name a row twice")
        named = [str(name) for name in column(made, given.id, ())]
        # A run that leaves out the rows it is bad at, or names one twice, has no score.
        if sorted(named) != sorted(known):
            sys.exit("the predictions' ids are not the labels'")
        truth = [known[name] for name in named]
    if not truth or len(truth) != len(found):
        sys.exit(f"{len(truth)} answers and {len(found)} predictions")
    if given.metric in ("mse", "rmse", "mae", "r2", "auc"):
        value = numbers_score(given.metric, list(map(number, truth)), list(map(number, found)))
    else:
        positive = same(given.positive) if given.positive else ""
        value = classes_score(
            given.metric, list(map(same, truth)), list(map(same, found)), positive
        )
    print(json.dumps({given.name: value}))


if __name__ == "__main__":
    main()
