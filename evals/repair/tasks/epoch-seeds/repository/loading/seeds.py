"""Seeds of the workers."""


def worker_seed(seed, epoch, worker):
    """A seed for each worker in each epoch."""
    return seed


def shares(total, workers):
    """The indices of each worker: every `workers`-th one."""
    return [list(range(worker, total, workers)) for worker in range(workers)]
