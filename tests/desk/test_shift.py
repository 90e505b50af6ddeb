"""A shift through troubles: of the world, which pass, and others, which need a person."""

import asyncio
from pathlib import Path

import pytest

from desk.office import Office
from desk.shift import Shift
from desk.wiring import Opened
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineUnavailable, LabcrewError, LedgerError, StorageFull
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET


class Mover:
    """A worker that meets the given troubles, one a call, then ends the ticket."""

    def __init__(self, office: Office, troubles: list[LabcrewError]) -> None:
        self.office = office
        self.troubles = troubles
        self.calls = 0

    async def advance(self, ticket: str) -> AssignedTicket:
        self.calls += 1
        if self.troubles:
            raise self.troubles.pop(0)
        done = self.office.ledger.tickets.get(ticket).model_copy(update={"status": "done"})
        self.office.ledger.tickets.put(done, actor="worker")
        return done


def _shift(
    opened: Opened, toy: Path, troubles: list[LabcrewError], most_s: float = 60
) -> tuple[Shift, Mover, list[str]]:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    mover, said = Mover(office, troubles), list[str]()
    shift = Shift(office, mover, at_once=2, say=said.append, waits_s=(0.01, most_s))
    return shift, mover, said


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.shift._LOOK_S", 0.005)


async def test_a_trouble_of_the_world_is_tried_again_ever_later(opened: Opened, toy: Path) -> None:
    troubles: list[LabcrewError] = [
        EngineUnavailable("No engine answers"),
        StorageFull("The disk is full"),
        LedgerError("The ledger is locked"),
    ]
    shift, mover, said = _shift(opened, toy, troubles)
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert opened.ledger.tickets.get("T-001").status == "done"
    assert mover.calls == 4
    assert [line.rpartition("tried again in ")[2] for line in said] == [
        "0.01 s.",
        "0.02 s.",
        "0.04 s.",
    ]


async def test_a_trouble_that_stays_ends_an_idle_shift(opened: Opened, toy: Path) -> None:
    troubles: list[LabcrewError] = [EngineUnavailable("No engine answers")] * 50
    shift, mover, said = _shift(opened, toy, troubles, most_s=0.04)
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert mover.calls == 3
    assert said[-1].endswith("in 0.04 s.")


async def test_a_shift_without_end_goes_on_trying(opened: Opened, toy: Path) -> None:
    troubles: list[LabcrewError] = [EngineUnavailable("No engine answers")] * 6
    shift, _, _ = _shift(opened, toy, troubles, most_s=0.02)
    working = asyncio.create_task(shift.run())
    async with asyncio.timeout(20):
        while opened.ledger.tickets.get("T-001").status != "done":
            await asyncio.sleep(0.01)
    working.cancel()


async def test_another_trouble_waits_for_a_new_line(opened: Opened, toy: Path) -> None:
    shift, mover, said = _shift(opened, toy, [LabcrewError("another worker has it")])
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert mover.calls == 1
    assert said == ["T-001: another worker has it"]
