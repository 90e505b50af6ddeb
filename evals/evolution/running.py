"""Runs loops and their controls on the targets, and keeps each result as its loop ends.

A target's ledger is in a home of its own, beside the repositories: what was cut off goes on inside
its round, what ended is not run again.
"""

import asyncio
import hashlib
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from desk.wiring import AtWork, Opened, at_work, open_home
from evals.evolution.make import CHECKOUT, make, names
from evals.evolution.results import Result, append, read, result_of
from labcrew.domain.evolution import Evolution
from labcrew.domain.evolution_spec import Control, EvolutionSpec
from labcrew.errors import InputError, LabcrewError
from labcrew.evolution_file import read_spec

Say = Callable[[str], None]
ARMS: tuple[str, ...] = ("loop", "random_search", "always_keep", "no_memory")
ROUNDS = {"packing": 40, "kmodule": 150, "designer": 40, "ranking": 40}
"""Rounds of every arm where none is given: the same for all. What they spend in them differs."""


def chosen(target: Sequence[str], control: Sequence[str]) -> tuple[list[str], list[str]]:
    """The targets and arms that are meant; empty: all that need no language model, all arms.

    Raises:
        InputError: there is no such target or control.
    """
    targets, arms = list(target) or list(ROUNDS), list(control) or list(ARMS)
    if unknown := [name for name in targets if name not in names()]:
        raise InputError(
            f"There is no target {unknown[0]!r}.", f"Choose from: {', '.join(names())}."
        )
    if unknown := [name for name in arms if name not in ARMS]:
        raise InputError(f"There is no control {unknown[0]!r}.", f"Choose from: {', '.join(ARMS)}.")
    return targets, arms


def run_all(
    targets: Sequence[str],
    arms: Sequence[str],
    results: Path,
    place: Path,
    *,
    seeds: Sequence[int],
    rounds: int | None,
    say: Say,
) -> None:
    """Runs every target with every arm and seed whose result is not there.

    Args:
        results: where results are kept, a folder a target and a file of JSON lines an arm.
        place: where ledgers and repositories are, a folder a target.
        seeds: what the loops' chance is drawn from; the same seed is the same chance in every arm.
        rounds: of every arm; None: the target's own number.
        say: is told what is being done.
    """
    for target in targets:
        allowed = rounds or ROUNDS.get(target, 30)
        wanted = [
            (arm, seed)
            for seed in seeds
            for arm in arms
            if not _there(results / target / f"{arm}.jsonl", seed, allowed)
        ]
        if not wanted:
            say(f"{target}: all results are there")
            continue
        with (
            open_home(place / target / "home", create=True) as opened,
            at_work(opened, say) as working,
        ):
            for arm, seed in wanted:
                say(f"{target}, {arm}, seed {seed}")
                ended = _one(opened, working, place / target, target, arm, seed, allowed, say)
                result = result_of(opened.ledger, ended, target, seed)
                (results / target).mkdir(parents=True, exist_ok=True)
                append(results / target / f"{arm}.jsonl", result)
                say(f"  {result.line()}")


def _there(file: Path, seed: int, rounds: int) -> bool:
    return any(r.seed == seed and r.rounds_allowed == rounds for r in read(file, Result))


def _one(
    opened: Opened,
    working: AtWork,
    place: Path,
    target: str,
    arm: str,
    seed: int,
    rounds: int,
    say: Say,
) -> Evolution:
    """One loop, from its beginning or from where it was cut off."""
    control: Control = "" if arm == "loop" else arm  # type: ignore[assignment]
    source = f"{target}, {arm}, seed {seed}, {rounds} rounds"
    found = next((e for e in opened.ledger.evolutions.all() if e.source == source), None)
    if found is None:
        folder = place / f"{arm}-{seed}-{rounds}"
        spec = prepared(target, folder, seed, rounds)
        found = opened.evolutions().start(
            spec,
            beside=folder,
            source=source,
            by="evaluation",
            control=control,
            secret=secret(target, seed),
        )
    ended = asyncio.run(working.evolver(True, say).advance(found.id))
    if not is_over(ended):
        raise LabcrewError(
            f"{ended.id} ({source}) is {ended.status}: {ended.outcome}", "Run the command again."
        )
    return ended


def is_over(evolution: Evolution) -> bool:
    """Whether a loop's result stands.

    Where the sealed split proves no gain, the merge waits for a person; nobody stands for one here.
    """
    judged = evolution.status == "waiting" and evolution.sealed is not None
    return judged or evolution.status in ("done", "failed")


def secret(target: str, seed: int) -> str:
    """What a loop's seeds are drawn from: the same in every arm."""
    return hashlib.sha256(f"labcrew eval evolution {target} {seed}".encode()).hexdigest()


def prepared(target: str, folder: Path, seed: int, rounds: int) -> EvolutionSpec:
    """A target's spec with so many rounds, and a repository of its own that a merge may change."""
    file = folder / "SPEC.md"
    if not file.exists():
        make(target, folder, seed)
    spec = read_spec(file)
    if spec.repository == str(CHECKOUT):
        clone = folder / "repository"
        if not clone.exists():
            subprocess.run(
                ["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(clone)],
                check=True, capture_output=True,
            )  # fmt: skip
        spec = spec.model_copy(update={"repository": "repository"})
    budget = spec.budget.model_copy(update={"rounds": rounds})
    return spec.model_copy(update={"budget": budget})
