"""`labcrew up`: several tickets side by side, each with a tool container that is its own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from desk.shift import Shift
from sandboxes.runner.pool import Handed
from tests.graphs.tiny import REPORTED, lab_at, make_tiny

pytestmark = pytest.mark.engine
TICKETS = 4


async def test_tickets_get_warm_containers_and_never_share_one(
    tmp_path: Path, tracking: Path
) -> None:
    seen: set[Handed] = set()
    said: list[str] = []
    with lab_at(tmp_path, make_tiny(tmp_path / "tiny"), tracking, many=True) as lab:
        sandboxes: Any = lab.parts.bench.sandboxes

        async def look() -> None:
            while True:
                seen.update(sandboxes._pool.handed.values())
                await asyncio.sleep(0.02)

        assigned = [
            lab.assign(**REPORTED | {"seeds": [0], "budget": {"trials": 2}, "title": f"x, {n}"})
            for n in range(TICKETS)
        ]
        looking = asyncio.create_task(look())
        async with lab.worker(yes=True) as worker:
            await Shift(lab.office, worker, at_once=2, say=said.append).run(until_idle=True)
        looking.cancel()
        assert said == []
        assert {lab.ledger.tickets.get(one.id).status for one in assigned} == {"done"}
        assert sandboxes.list() == ()
    # The first two may have come before anything was warm; of the others the pool can miss one.
    assert seen
    assert len({handed.warm for handed in seen}) == len(seen)
    assert {handed.ticket for handed in seen} <= {one.id for one in assigned}
    assert len({handed.ticket for handed in seen}) == len(seen)
    # What was warm and nobody's went with the home's work.
    assert lab.containers() == set()
