"""Writes data/*.csv from the diabetes data that scikit-learn ships.

The 442 patients are split at random, always the same way. Eight validation rows also end up in the
training file, as they did when two exports were merged (see data/README.md); `--planted FILE`
lists them.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes

SEED = 20240718
VALIDATION, HOLDOUT, REPEATED = 80, 80, 8


def write(path, header, rows):
    """Writes one CSV file."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main():
    """Splits, repeats a few rows, writes the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--planted", type=Path, help="also write which rows were repeated")
    arguments = parser.parse_args()

    patients = load_diabetes(scaled=False)
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(patients.target))
    validation, holdout = order[:VALIDATION], order[VALIDATION : VALIDATION + HOLDOUT]
    repeated = rng.choice(validation, REPEATED, replace=False)
    train = rng.permutation(np.concatenate([order[VALIDATION + HOLDOUT :], repeated]))

    def row(id_, index):
        return [id_, *(f"{v:g}" for v in patients.data[index]), f"{patients.target[index]:g}"]

    arguments.data.mkdir(parents=True, exist_ok=True)
    header = ["id", *patients.feature_names, "progression"]
    for name, indices in (("train", train), ("validation", validation), ("holdout", holdout)):
        rows = [row(f"{name[0]}{n:03d}", index) for n, index in enumerate(indices)]
        write(arguments.data / f"{name}.csv", header, rows)
    if arguments.planted:
        place = {int(index): n for n, index in enumerate(validation)}
        planted = [
            [f"t{n:03d}", "leak_validation", f"v{place[int(index)]:03d}"]
            for n, index in enumerate(train)
            if index in repeated
        ]
        write(arguments.planted, ["id", "kind", "copy_of"], planted)


if __name__ == "__main__":
    main()
