"""Makes one loop in processes that are killed at random, until it has ended; run by test_evolution.

evolution_driver.py FOLDER KILLS SEED
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from agents.evolution.proposers import proposers
from tests.graphs.evolution.lab import opened

LOOP = "E-001"


def live(folder: Path) -> None:
    """One life: works on the loop until it has ended, or until it is killed."""
    with pytest.MonkeyPatch.context() as patches:
        lab = opened(folder, patches, folder / "target", noise=0.05)
        # Long enough that many lives end in the middle of an evaluation.
        lab.runs.before = lambda call: time.sleep(0.02 * len(call.jobs) ** 0.5)
        ended = lab.advance(LOOP, proposers(("parameters", "mutation", "crossover")))
        if ended.status != "done":
            raise SystemExit(f"{ended.status}: {ended.outcome}")


def main(folder: Path, kills: int, seed: int) -> int:
    randomness = random.Random(seed)
    lives = 0
    while True:
        lives += 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(folder)
                code = 0
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(code)
        if lives <= kills:
            time.sleep(randomness.uniform(0.05, 0.8))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if not os.WIFSIGNALED(status):
            print(f"{lives} lives")
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    import libcst
    import optuna

    assert all((libcst, optuna))  # imported once, by the parent of all lives
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
