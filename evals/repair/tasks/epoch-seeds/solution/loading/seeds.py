"""Seeds of the workers."""

import hashlib


def worker_seed(seed, epoch, worker):
    """A seed for each worker in each epoch."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{epoch}/{worker}".encode()).digest()[:8], "big")


def shares(total, workers):
    """The indices of each worker: every `workers`-th one."""
    return [list(range(worker, total, workers)) for worker in range(workers)]
