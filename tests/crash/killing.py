"""Processes that are killed, at points of their own or from outside, until one ends by itself."""

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig, RunnableLambda

from labcrew.errors import OutcomeUnknown

_ENGINE_LOST, _MOST_LIVES = 75, 80
Point = Callable[[str], None]


def nowhere(point: str) -> None:
    """Lets the process live."""


def deadly(folder: Path, point: str) -> None:
    """Kills the process the first time that it comes to a point; the file `killed` lists them."""
    seen = folder / "killed"
    known = seen.read_text().splitlines() if seen.exists() else []
    if point not in known:
        with seen.open("a") as file:
            file.write(point + "\n")
        os.kill(os.getpid(), signal.SIGKILL)


def stepped(graph: Any, at: Point) -> Any:
    """A graph that is not compiled, with a point before and after each of its steps."""
    for name, spec in graph.nodes.items():
        graph.nodes[name] = replace(spec, runnable=RunnableLambda(_step(name, spec.runnable, at)))
    return graph


def _step(name: str, inner: Any, at: Point) -> Any:
    async def step(state: Any, config: RunnableConfig) -> Any:
        revision = state.get("revision")
        told = f"{name} of revision {revision}" if revision else name
        at(f"before {told}")
        result = await inner.ainvoke(state, config)
        at(f"after {told}")
        return result

    return step


def both_sides(steps: str) -> set[str]:
    """The points before and after steps, told in a line."""
    return {f"{side} {step}" for step in steps.split() for side in ("before", "after")}


def until_it_ends(
    live: Callable[[], None], *, kills: int, moments: tuple[float, float], seed: int
) -> int:
    """Lets a life follow the other until one isn't killed, and prints how many it took.

    Each is a fork of this process, which should have imported everything and opened nothing.

    Args:
        live: one life; what it raises is its end, but for an engine that was lost: as a person
            would, the next life goes on from there.
        kills: how many of the first lives are killed from here.
        moments: after how long they are, in seconds: at least and at most.
        seed: of those moments.

    Returns:
        The exit code.
    """
    randomness = random.Random(seed)
    for number in itertools.count(1):
        child = os.fork()
        if child == 0:
            os._exit(_lived(live))
        if number <= kills:
            time.sleep(randomness.uniform(*moments))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            continue
        code = os.waitstatus_to_exitcode(status)
        if code != _ENGINE_LOST or number >= _MOST_LIVES:
            print(f"{number} lives")
            return code
    raise AssertionError("lives have no end")


def _lived(live: Callable[[], None]) -> int:
    try:
        live()
    except OutcomeUnknown as error:
        print(f"the engine was lost: {error}", file=sys.stderr, flush=True)
        return _ENGINE_LOST
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0
