"""Runs one ticket in processes that are killed, until it has ended; run by test_crashes.

driver.py MODE FOLDER [SEED]

    none     nobody is killed: what the others are compared with
    nodes    killed once before and once after each step of the machine
    effects  killed once before and once after each effect on the world
    random   killed fifteen times at random moments

Each life is a fork of a parent that has imported everything and opened nothing.
"""

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda

import memory.chroma
import memory.embedding
import sandboxes.client
import tools.plots
from desk.wiring import at_work, open_home
from graphs.ticket import ticket_graph
from graphs.worker import Worker
from labcrew.errors import OutcomeUnknown
from labcrew.settings import Settings
from tests.doubles.faulty import Around

_ENGINE_LOST, _MOST_LIVES = 75, 80
_KILLS = 15
_LATER = re.compile(r"-00[2-9]", re.IGNORECASE)
Point = Callable[[str], None]


def nowhere(point: str) -> None:
    """Lets the process live."""


def deadly(folder: Path, point: str) -> None:
    """Kills the process the first time that it comes to a point."""
    seen = folder / "killed"
    known = seen.read_text().splitlines() if seen.exists() else []
    if point not in known:
        with seen.open("a") as file:
            file.write(point + "\n")
        os.kill(os.getpid(), signal.SIGKILL)


def machine(at: Point) -> Any:
    """The ticket machine with a point before and after each of its steps."""
    graph = ticket_graph()
    for name, spec in graph.nodes.items():
        graph.nodes[name] = replace(spec, runnable=RunnableLambda(_step(name, spec.runnable, at)))
    return graph


def _step(name: str, inner: Any, at: Point) -> Any:
    async def step(state: Any, config: RunnableConfig) -> Any:
        at(f"before {name}")
        result = await inner.ainvoke(state, config)
        at(f"after {name}")
        return result

    return step


def around(inner: Any, at: Point, *methods: str) -> Any:
    """An adapter with a point before and after some of its methods."""

    def call(name: str, *given: Any, **more: Any) -> Any:
        first = given[0] if given else ""
        if isinstance(first, list):
            first = first[0].id if first else "nothing"
        about = str(getattr(first, "name", first))
        if _LATER.search(about):  # the first two trials stand for the others
            return getattr(inner, name)(*given, **more)
        at(f"before {name} {about}")
        result = getattr(inner, name)(*given, **more)
        at(f"after {name} {about}")
        return result

    return Around(inner, **{name: partial(call, name) for name in methods})


def witnessed(inner: Any, folder: Path) -> Any:
    """Sandboxes that note which container stood behind a name whenever it was touched."""

    def note(name: str) -> None:
        found = inner._inspect(inner.container_name(name))
        if found is not None:
            with (folder / "containers").open("a") as file:
                file.write(f"{name} {found['Id']} {found['State']['StartedAt']}\n")

    def start(spec: Any) -> None:
        inner.start(spec)
        note(spec.name)

    def collect(name: str, *given: Any) -> Any:
        note(name)
        return inner.collect(name, *given)

    return Around(inner, start=start, collect=collect)


def live(mode: str, folder: Path) -> None:
    """One life: works on the ticket until it ends, or until it is killed."""
    at: Point = partial(deadly, folder) if mode in ("nodes", "effects") else nowhere
    with open_home(folder / "home") as opened:
        settings = Settings(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", tick_s=0.5)
        opened = replace(opened, settings=settings)
        with at_work(opened) as parts:
            bench = parts.bench
            box = witnessed(bench.sandboxes, folder)
            if mode == "effects":
                bench = replace(
                    bench,
                    repositories=around(bench.repositories, at, "land", "publish", "merge"),
                    environments=around(bench.environments, at, "ensure"),
                    memory=around(bench.memory, at, "remember"),
                    tracker=around(bench.tracker, at, "record"),
                )
                box = around(box, at, "start", "run", "collect", "remove")
            worker = Worker(
                parts.work.crew,
                replace(bench, sandboxes=box),
                settings,
                holder=f"life-{os.getpid()}",
                assume_yes=True,
                machine=machine(at) if mode == "nodes" else None,
            )

            async def work() -> str:
                async with worker:
                    return (await worker.advance("T-001")).status

            if asyncio.run(work()) != "done":
                raise SystemExit(opened.ledger.tickets.get("T-001").outcome)


def main(mode: str, folder: Path, seed: int) -> int:
    randomness = random.Random(seed)
    lives = 0
    while True:
        lives += 1
        child = os.fork()
        if child == 0:
            code = 1
            try:
                live(mode, folder)
                code = 0
            except OutcomeUnknown as error:
                print(f"the engine was lost: {error}", file=sys.stderr, flush=True)
                code = _ENGINE_LOST  # as a person would, the next life goes on from there
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(code)
        if mode == "random" and lives <= _KILLS:
            deadline = time.monotonic() + randomness.uniform(0.2, 3.0)
            while time.monotonic() < deadline:
                time.sleep(0.005)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        lost = not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) == _ENGINE_LOST
        if lost and lives < _MOST_LIVES:
            continue
        if not os.WIFSIGNALED(status):
            print(f"{lives} lives")
            return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    # Nothing is opened by these, so that a fork is a whole new start.
    assert memory.chroma
    assert memory.embedding
    assert sandboxes.client
    assert tools.plots
    import chromadb
    import matplotlib.figure
    import mlflow
    import onnxruntime
    import optuna
    import scipy.stats

    assert all((chromadb, matplotlib.figure, mlflow, onnxruntime, optuna, scipy.stats))
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int((*sys.argv, "0")[3])))
