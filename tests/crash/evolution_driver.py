"""Makes one loop in processes that are killed, until it has ended; run by test_evolution.

evolution_driver.py FOLDER KILLS SEED

    KILLS  how often at random; "nodes": once before and once after each step of the machine
"""

import sys
import time
from functools import partial
from pathlib import Path

import pytest

from agents.evolution.proposers import proposers
from graphs.evolution import evolver
from graphs.evolution.machine import evolution_graph
from tests.crash.killing import deadly, stepped, until_it_ends
from tests.graphs.evolution.lab import opened

LOOP = "E-001"


def live(folder: Path, *, nodes: bool) -> None:
    """One life: works on the loop until it has ended, or until it is killed."""
    with pytest.MonkeyPatch.context() as patches:
        if nodes:
            at = partial(deadly, folder)
            patches.setattr(evolver, "evolution_graph", lambda: stepped(evolution_graph(), at))
        lab = opened(folder, patches, folder / "target", noise=0.05)
        # Long enough that many lives end in the middle of an evaluation, and of a run.
        lab.runs.each = lambda job: time.sleep(0.005)
        ended = lab.advance(LOOP, proposers(("parameters", "mutation", "crossover")))
        if ended.status != "done":
            raise SystemExit(f"{ended.status}: {ended.outcome}")


if __name__ == "__main__":
    import libcst
    import optuna

    assert all((libcst, optuna))  # imported once, by the parent of all lives
    folder, kills, seed = sys.argv[1:]
    nodes = kills == "nodes"
    sys.exit(
        until_it_ends(
            partial(live, Path(folder), nodes=nodes),
            kills=0 if nodes else int(kills),
            moments=(0.05, 0.8),
            seed=int(seed),
        )
    )
