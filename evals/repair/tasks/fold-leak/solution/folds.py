"""Indices for k-fold cross-validation, without shuffling."""


def boundaries(total, folds):
    """Where each fold starts and ends; the first ones are larger by one where needed."""
    if not 2 <= folds <= total:
        raise ValueError("folds must be between 2 and the number of samples")
    size, rest = divmod(total, folds)
    cuts = [0]
    for fold in range(folds):
        cuts.append(cuts[-1] + size + (1 if fold < rest else 0))
    return list(zip(cuts, cuts[1:]))


def k_fold(total, folds=5):
    """Yields (training indices, validation indices) for each fold."""
    for start, end in boundaries(total, folds):
        validation = list(range(start, end))
        training = list(range(0, start)) + list(range(end, total))
        yield training, validation


def cross_validate(score, samples, folds=5):
    """The mean of score(training samples, validation samples) over the folds."""
    results = []
    for training, validation in k_fold(len(samples), folds):
        results.append(score([samples[i] for i in training], [samples[i] for i in validation]))
    return sum(results) / len(results)
