"""Writes data/*.csv from the handwritten digits that scikit-learn ships.

The split is clean; the training file is then given the flaws that our scanned forms really had
when they came back from labelling (see data/README.md), always the same ones. `--planted FILE`
lists them, so that a data check can be measured against the truth.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

SEED = 20240611
VALIDATION, HOLDOUT = 350, 350
LEAKED_EACH, DUPLICATES, CONFLICTS, FLIPS, MISSING, OUT_OF_RANGE = 30, 20, 25, 60, 5, 5
PIXELS = [f"p{i:02d}" for i in range(64)]


def wrong_label(rng, label):
    """Any digit but the right one."""
    return int((label + rng.integers(1, 10)) % 10)


def planted_training_rows(rng, digits, splits):
    """The training rows in their final order, each with how it was spoilt and which row it copies.

    A row is a dict: pixels (list of str), label, source (index into the original data), kind.
    """
    free = [int(i) for i in rng.permutation(splits["train"])]

    def take(count):
        return [free.pop() for _ in range(count)]

    def row(index, kind="", label=None):
        pixels = [str(int(v)) for v in digits.data[index]]
        label = int(digits.target[index]) if label is None else label
        return {"pixels": pixels, "label": label, "source": index, "kind": kind}

    rows = []
    for name in ("validation", "holdout"):
        for index in rng.choice(splits[name], LEAKED_EACH, replace=False):
            rows.append(row(int(index), f"leak_{name}"))
    for index in take(DUPLICATES):
        rows += [row(index), row(index, "duplicate")]
    for index in take(CONFLICTS):
        rows += [row(index), row(index, "conflict", wrong_label(rng, digits.target[index]))]
    for index in take(FLIPS):
        rows.append(row(index, "flip", wrong_label(rng, digits.target[index])))
    for kind, count, value in (("missing", MISSING, ""), ("out_of_range", OUT_OF_RANGE, "160")):
        for index in take(count):
            spoilt = row(index, kind)
            spoilt["pixels"][int(rng.integers(64))] = value
            rows.append(spoilt)
    rows += [row(index) for index in free]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    put_copies_last(rows)
    return rows


def put_copies_last(rows):
    """Of two identical rows, call the later one in the file the duplicate."""
    first = {}
    for row in rows:
        first.setdefault(row["source"], row)
    for row in rows:
        if row["kind"] == "duplicate" and first[row["source"]] is row:
            row["kind"] = ""
            twin = next(r for r in rows if r["source"] == row["source"] and r is not row)
            twin["kind"] = "duplicate"


def write(path, header, rows):
    """Writes one CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    """Splits, plants the flaws, writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--planted", type=Path, help="also write what was planted where")
    arguments = parser.parse_args()

    digits = load_digits()
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(digits.target))
    splits = {
        "validation": order[:VALIDATION],
        "holdout": order[VALIDATION : VALIDATION + HOLDOUT],
        "train": order[VALIDATION + HOLDOUT :],
    }
    train = planted_training_rows(rng, digits, splits)

    arguments.data.mkdir(parents=True, exist_ok=True)
    names = {}  # the original row → the id that it has in its own split
    for split, letter in (("validation", "v"), ("holdout", "h")):
        for number, index in enumerate(splits[split]):
            names[int(index)] = f"{letter}{number:04d}"
    for number, row in enumerate(train):
        row["id"] = f"t{number:04d}"
        if row["kind"] in ("", "flip", "missing", "out_of_range"):
            names[row["source"]] = row["id"]

    def features(index):
        return [int(v) for v in digits.data[index]]

    write(
        arguments.data / "train.csv",
        ["id", *PIXELS, "label"],
        [[row["id"], *row["pixels"], row["label"]] for row in train],
    )
    write(
        arguments.data / "validation.csv",
        ["id", *PIXELS, "label"],
        [[names[int(i)], *features(i), int(digits.target[i])] for i in splits["validation"]],
    )
    write(
        arguments.data / "holdout.csv",
        ["id", *PIXELS],
        [[names[int(i)], *features(i)] for i in splits["holdout"]],
    )
    write(
        arguments.data / "holdout_labels.csv",
        ["id", "label"],
        [[names[int(i)], int(digits.target[i])] for i in splits["holdout"]],
    )
    if arguments.planted:
        copies = ("leak_validation", "leak_holdout", "duplicate", "conflict")
        write(
            arguments.planted,
            ["id", "kind", "copy_of"],
            [
                [row["id"], row["kind"], names[row["source"]] if row["kind"] in copies else ""]
                for row in train
                if row["kind"]
            ],
        )


if __name__ == "__main__":
    main()
