"""Options that the programs have in common, and the learning rate's schedule."""

import argparse
import math
import random
import time


def options(dataset, steps, rate, batch):
    """Reads the command line; the arguments are a program's own defaults."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--outputs", default="outputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dataset", default=dataset)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--schedule", default="constant")
    parser.add_argument("--evaluate-every", type=int, default=10)
    parser.add_argument("--save-every", type=int, default=20)
    parser.add_argument("--pace", type=float, default=0.014, help="shortest step, in seconds")
    parser.add_argument("--stutter", type=float, default=0.0, help="seconds more, now and then")
    parser.add_argument("--evaluation", type=float, default=0.0, help="seconds of an evaluation")
    parser.add_argument("--odd", type=float, default=0.0, help="share of batches that are no good")
    parser.add_argument("--scale", type=float, default=1.0, help="of the first weights")
    parser.add_argument("--cache-mb", type=int, default=0, help="rows kept in memory, at most")
    parser.add_argument("--validation-rows", type=int, default=0, help="0: all")
    parser.add_argument("--every", type=int, default=1, help="steps a line")
    return parser.parse_args()


def rate_at(given, step):
    """The learning rate of a step."""
    share = step / max(1, given.steps)
    if given.schedule == "cosine":
        return given.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * share)) / 2)
    if given.schedule == "restarts":  # Loshchilov and Hutter, 2017
        within = (step % max(1, given.steps // 4)) / max(1, given.steps // 4)
        return given.rate * (0.02 + 0.98 * (1 + math.cos(math.pi * within)) / 2)
    if given.schedule == "cyclic":  # Smith, 2017
        within = (step % max(2, given.steps // 5)) / max(2, given.steps // 5)
        return given.rate * (0.1 + 0.9 * (1 - abs(2 * within - 1)))
    if given.schedule == "warmup":
        return given.rate * min(1.0, (step + 1) / (0.5 * given.steps))
    if given.schedule == "steps":
        return given.rate * 0.2 ** int(share * 3)
    return given.rate


class Pace:
    """Holds each step to a shortest time, as a larger model would take it."""

    def __init__(self, given):
        self.given, self.random = given, random.Random(given.seed)
        self.cache = []
        self.begun = time.perf_counter()

    def step(self):
        """Waits for the rest of a step."""
        if len(self.cache) < self.given.cache_mb:
            self.cache.append(bytearray(b"\1") * (1 << 20))
        slow = self.given.stutter if self.random.random() < 0.3 else 0.0
        rest = self.given.pace + slow - (time.perf_counter() - self.begun)
        if rest > 0:
            time.sleep(rest)
        taken = time.perf_counter() - self.begun
        self.begun = time.perf_counter()
        return taken

    def evaluation(self):
        """Keeps a core busy, as evaluating on more data would."""
        until = time.perf_counter() + self.given.evaluation
        while time.perf_counter() < until:
            sum(range(2000))
