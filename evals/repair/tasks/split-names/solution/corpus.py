"""A corpus in a folder: train.jsonl, validation.jsonl, test.jsonl."""

import json
from pathlib import Path

SPLITS = {
    "train": "train.jsonl",
    "validation": "validation.jsonl",
    "test": "test.jsonl",
}


def load(folder, split):
    """The split's samples (text, label).

    Args:
        folder: of the corpus.
        split: train, validation or test.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: one of {', '.join(SPLITS)}")
    lines = Path(folder, SPLITS[split]).read_text(encoding="utf-8").splitlines()
    samples = [json.loads(line) for line in lines if line.strip()]
    return [(sample["text"], sample["label"]) for sample in samples]


def majority(samples):
    """The most frequent label; the first of the alphabet among equals."""
    labels = [label for _, label in samples]
    return min(set(labels), key=lambda label: (-labels.count(label), label))


def evaluate(folder, split, model=None):
    """The accuracy of a model on a split; without one, of the training part's majority label."""
    if model is None:
        common = majority(load(folder, "train"))
        samples = load(folder, split)
        return sum(label == common for _, label in samples) / len(samples)
    samples = load(folder, split)
    return sum(model(text) == label for text, label in samples) / len(samples)
