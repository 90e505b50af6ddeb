"""Scores of a binary classifier from its predictions."""


def counts(targets, predictions):
    """(true positives, false positives, false negatives, true negatives)."""
    if len(targets) != len(predictions):
        raise ValueError("as many predictions as targets are needed")
    tp = fp = fn = tn = 0
    for target, prediction in zip(targets, predictions):
        if target and prediction:
            tp += 1
        elif prediction:
            fn += 1
        elif target:
            fp += 1
        else:
            tn += 1
    return tp, fp, fn, tn


def ratio(part, whole):
    """part / whole, 0 where whole is 0."""
    return part / whole if whole else 0.0


def report(targets, predictions):
    """precision, recall, f1 and accuracy by name."""
    tp, fp, fn, tn = counts(targets, predictions)
    precision = ratio(tp, tp + fp)
    recall = ratio(tp, tp + fn)
    return {
        "precision": precision,
        "recall": recall,
        "f1": ratio(2 * precision * recall, precision + recall),
        "accuracy": ratio(tp + tn, len(targets)),
    }
