"""Scores the predictions that a run left: accuracy, or the root of the mean squared error."""

import json
import math
import sys
from pathlib import Path

from data import split


def main():
    outputs, part, dataset, percent = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    predicted = json.loads((Path(outputs) / "predictions.json").read_text())[part]
    wanted = split(dataset)[part][1].tolist()
    assert len(predicted) == len(wanted)
    if dataset == "diabetes":
        squares = [(p - w) ** 2 for p, w in zip(predicted, wanted)]
        print(json.dumps({"rmse": math.sqrt(sum(squares) / len(squares))}))
    else:
        right = sum(p == w for p, w in zip(predicted, wanted)) / len(wanted)
        print(json.dumps({"val_acc": 100 * right} if percent else {"val_accuracy": right}))


if __name__ == "__main__":
    main()
