"""A loop of self-evolution in a home: real ledger, real git; its candidates' runs are made up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from desk.acting import one_at_a_time
from desk.evolutions import Evolutions
from desk.wiring import Opened
from graphs.evolution.evolver import Evolver
from labcrew.domain.evolution import Evolution
from labcrew.domain.evolution_spec import Control
from sandboxes.git.repositories import GitRepositories
from tests.doubles.embedder import WordEmbedder
from tests.doubles.memory import DictMemory
from tests.graphs.evolution.lab import (
    SECRET,
    Bench,
    Environments,
    Scripted,
    make_spec,
    make_target,
    program,
    put_in_place,
)
from tools.toolbox import Workbench

TRIED = (program(0.8), program(0.2), program(0.95), program(0.9))
"""Two that are clear gains, the first and the third; two that are none."""


def started(opened: Opened, folder: Path, control: Control = "", **spec: Any) -> Evolution:
    """A loop that nobody has worked on yet."""
    target = folder / "target"
    if not target.exists():
        make_target(target)
    evolutions = Evolutions(
        opened.ledger,
        opened.clock,
        GitRepositories(opened.home.repositories),
        lambda: one_at_a_time(opened.home, "evolve.lock"),
        proposers=("scripted",),
        has_model=True,
    )
    return evolutions.start(
        make_spec(target, **spec),
        beside=folder,
        source=str(folder / "SPEC.md"),
        by="ada",
        control=control,
        secret=SECRET,
    )


def evolver(opened: Opened, patch: pytest.MonkeyPatch, *, yes: bool = False) -> Evolver:
    """Who works on loops; runs come from a stand-in for sandboxes."""
    put_in_place(Bench(), patch)
    engine: Any = Environments()
    tracker: Any = None
    bench = Workbench(
        home=opened.home,
        ledger=opened.ledger,
        repositories=GitRepositories(opened.home.repositories),
        environments=engine,
        sandboxes=engine,
        tracker=tracker,
        memory=DictMemory(WordEmbedder()),
        sources=(),
        clock=opened.clock,
        base_image="none",
    )
    return Evolver(bench, (Scripted(*TRIED),), holder="test", lease_s=60, assume_yes=yes)


def evolved(opened: Opened, folder: Path, patch: pytest.MonkeyPatch, **spec: Any) -> Evolution:
    """A loop whose rounds are over: its merge request waits for a person."""
    found = started(opened, folder, **spec)
    worker = evolver(opened, patch)
    advanced(worker, found.id)
    opened.office().decide(found.id, "accept", "ada")
    return advanced(worker, found.id)


def advanced(worker: Evolver, id: str) -> Evolution:
    """The loop after a turn, made in a thread: a browser's tests have an event loop in theirs."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(worker.advance(id))).result()
