"""The monitor never sleeps through the end of a run."""

import asyncio
import random
import threading
from collections.abc import Iterator
from pathlib import Path

from graphs.crew import Crew
from graphs.nodes.monitoring import _wait
from graphs.work import Work
from labcrew.domain.experiment import Trial
from labcrew.errors import EngineError
from labcrew.judgement import Judge
from tests.doubles.bench import make_assigned, make_bench
from tests.doubles.embedder import WordEmbedder
from tests.doubles.faulty import Around

_ROUNDS = 150


def trial(number: int) -> Trial:
    return Trial(
        id=f"T1-{number:03d}",
        ticket="T1",
        number=number,
        kind="search",
        seed=0,
        data="original",
        memory_mb=64,
        status="running",
    )


async def test_a_run_that_ends_at_any_moment_wakes_the_monitor(tmp_path: Path) -> None:
    randomness = random.Random(5)
    ends: dict[str, threading.Event] = {}

    def follow(name: str) -> Iterator[str]:
        yield "step=1 loss=0.5\n"
        ends[name].wait(60)
        if randomness.random() < 0.2:
            raise EngineError("the engine went away")

    bench = make_bench(tmp_path, sandboxes=Around(None, watch=follow, usage=lambda name: None))
    crew = Crew.of(Judge(models={}), WordEmbedder())
    work = Work(bench=bench, crew=crew, rules=crew, tick_s=3600)
    assigned = make_assigned()
    for number in range(_ROUNDS):
        one = trial(number)
        ends[f"{one.id}-trial".lower()] = ended = threading.Event()
        delay = randomness.choice((0, 0, 0.0005, 0.002))
        threading.Timer(delay, ended.set).start()
        async with asyncio.timeout(120):  # a tick is an hour
            while one.id not in work.watches or not work.watches[one.id].reading().ended:
                await _wait(work, assigned, [one])
        work.watches.pop(one.id).close()
    await asyncio.sleep(0)
