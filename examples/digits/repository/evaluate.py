"""Scores the predictions of one run: accuracy on the validation or the holdout split.

Prints one JSON line. Exits with 1 if the predictions are not exactly one whole number for each id.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

ANSWERS = {"validation": "validation.csv", "holdout": "holdout_labels.csv"}


class PredictionsError(Exception):
    """The predictions can't be scored."""


def read_column(path, column):
    """{id: whole number} of one column."""
    values = {}
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if not {"id", column} <= set(reader.fieldnames or ()):
            raise PredictionsError(f"{path.name} needs the columns id and {column}")
        for row in reader:
            where = f"{path.name}, line {reader.line_num}"
            if row["id"] in values:
                raise PredictionsError(f"{where}: id {row['id']!r} appears twice")
            try:
                values[row["id"]] = int(row[column])
            except (TypeError, ValueError):
                raise PredictionsError(f"{where}: {row[column]!r} is not a whole number") from None
    return values


def accuracy(answers, predictions):
    """The share of right predictions; the ids must be the same."""
    missing, extra = answers.keys() - predictions.keys(), predictions.keys() - answers.keys()
    if missing or extra:
        example = min(missing or extra, key=str)
        raise PredictionsError(
            f"{len(missing)} ids have no prediction and {len(extra)} are unknown, e.g. {example!r}"
        )
    return sum(predictions[id_] == label for id_, label in answers.items()) / len(answers)


def main():
    """Reads, compares, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", type=Path, default=Path("outputs"))
    parser.add_argument("--split", choices=sorted(ANSWERS), default="validation")
    parser.add_argument("--data", type=Path, default=Path("data"))
    a = parser.parse_args()
    try:
        answers = read_column(a.data / ANSWERS[a.split], "label")
        predictions = read_column(a.outputs / f"predictions_{a.split}.csv", "prediction")
        score = accuracy(answers, predictions)
    except (PredictionsError, OSError, UnicodeDecodeError, csv.Error) as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"accuracy": round(score, 6), "n": len(answers)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
