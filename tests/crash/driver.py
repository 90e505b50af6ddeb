"""Runs one ticket in processes that are killed, until it has ended; run by test_crashes.

driver.py STORY MODE FOLDER [SEED]

    STORY    which ticket, and what its person says: see stories.py

    none     nobody is killed: what the others are compared with
    nodes    killed once before and once after each step of the machine, in each revision
    effects  killed once before and once after each effect on the world
    random   killed fifteen times at random moments
"""

import asyncio
import os
import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import memory.chroma
import memory.embedding
import sandboxes.client
import tools.plots
from agents.programming.options import LoopOptions
from desk.wiring import at_work, open_home
from graphs.ticket import ticket_graph
from graphs.worker import Worker
from labcrew.settings import Settings
from tests.crash.killing import Point, deadly, nowhere, stepped, until_it_ends
from tests.crash.stories import STORIES, Story
from tests.doubles.faulty import Around

_KILLS = 15
_LATER = re.compile(r"-00[2-9]", re.IGNORECASE)


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


def live(story: Story, mode: str, folder: Path) -> None:
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
                story.crew(opened.ledger) or parts.work.crew,
                replace(bench, sandboxes=box),
                settings,
                holder=f"life-{os.getpid()}",
                assume_yes=not story.answers,
                machine=stepped(ticket_graph(), at) if mode == "nodes" else None,
                loop=LoopOptions(style="direct"),
            )

            async def work() -> str:
                async with worker:
                    while (ended := await worker.advance("T-001")).status == "waiting":
                        story.answer(opened.office())
                    return ended.status

            if asyncio.run(work()) != story.status:
                raise SystemExit(opened.ledger.tickets.get("T-001").outcome)


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
    story, mode, folder, seed = (*sys.argv[1:], "0")[:4]
    sys.exit(
        until_it_ends(
            partial(live, STORIES[story], mode, Path(folder)),
            kills=_KILLS if mode == "random" else 0,
            moments=(0.2, 3.0),
            seed=int(seed),
        )
    )
