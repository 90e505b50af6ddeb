"""F1 of several classes, averaged in different ways."""

from collections import Counter


def tallies(targets, predictions):
    """class → (true positives, false positives, false negatives)"""
    hits, alarms, misses = Counter(), Counter(), Counter()
    for target, prediction in zip(targets, predictions):
        if target == prediction:
            hits[target] += 1
        else:
            alarms[prediction] += 1
            misses[target] += 1
    names = sorted(set(targets) | set(predictions))
    return {name: (hits[name], alarms[name], misses[name]) for name in names}


def f1(hits, alarms, misses):
    """2·hits / (2·hits + alarms + misses), 0 where nothing was found."""
    whole = 2 * hits + alarms + misses
    return 2 * hits / whole if whole else 0.0


def by_class(targets, predictions):
    """class → F1, of every class in targets or predictions."""
    return {name: f1(*counts) for name, counts in tallies(targets, predictions).items()}


def average_f1(targets, predictions, average="macro"):
    """F1 over all classes.

    Args:
        targets: right classes.
        predictions: as many classes.
        average: "macro": every class counts the same; "weighted": by its number of targets;
            "micro": from the sums over all classes.
    """
    scores = by_class(targets, predictions)
    if average == "micro":
        columns = zip(*tallies(targets, predictions).values())
        return f1(*(sum(column) for column in columns))
    weights = Counter(targets) if average == "weighted" else dict.fromkeys(scores, 1)
    if average not in ("macro", "weighted"):
        raise ValueError(f"unknown average {average!r}")
    total = sum(weights[name] * scores[name] for name in weights)
    return total / sum(weights.values()) if weights else 0.0
