"""A shift through troubles: of the world, which pass, and others, which need a person."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from desk.office import Office
from desk.shift import Shift, beside
from desk.wiring import Opened
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineUnavailable, LabcrewError, LedgerError, StorageFull
from labcrew.ticket_file import read_ticket
from tests.desk.conftest import TICKET, HandClock
from tests.desk.records import plan_gate
from tests.doubles.faulty import Around


class Mover:
    """A worker that meets the given troubles, one a call, then ends the ticket."""

    def __init__(self, office: Office, troubles: Sequence[Exception]) -> None:
        self.office = office
        self.troubles = list(troubles)
        self.calls = 0

    async def advance(self, ticket: str) -> AssignedTicket:
        self.calls += 1
        if self.troubles:
            raise self.troubles.pop(0)
        done = self.office.ledger.tickets.get(ticket).model_copy(update={"status": "done"})
        self.office.ledger.tickets.put(done, actor="worker")
        return done


def _shift(
    opened: Opened,
    clock: HandClock,
    toy: Path,
    troubles: list[LabcrewError],
    most_s: float = 60,
) -> tuple[Shift, Mover, list[str]]:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    mover, said = Mover(office, troubles), list[str]()

    async def sleep(seconds: float) -> None:
        clock.pass_(seconds=seconds)
        await asyncio.sleep(0.001)

    shift = Shift(office, mover, at_once=2, say=said.append, waits_s=(1, most_s), sleep=sleep)
    return shift, mover, said


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.shift._LOOK_S", 0.005)


async def test_a_trouble_of_the_world_is_tried_again_ever_later(
    opened: Opened, clock: HandClock, toy: Path
) -> None:
    troubles: list[LabcrewError] = [
        EngineUnavailable("No engine answers"),
        StorageFull("The disk is full"),
        LedgerError("The ledger is locked"),
    ]
    shift, mover, said = _shift(opened, clock, toy, troubles)
    await asyncio.wait_for(shift.run(until_idle=True), 120)
    assert opened.ledger.tickets.get("T-001").status == "done"
    assert mover.calls == 4
    assert [line.rpartition("tried again in ")[2] for line in said] == [
        "1 s.",
        "2 s.",
        "4 s.",
    ]


async def test_a_trouble_that_stays_ends_an_idle_shift(
    opened: Opened, clock: HandClock, toy: Path
) -> None:
    troubles: list[LabcrewError] = [EngineUnavailable("No engine answers")] * 50
    shift, mover, said = _shift(opened, clock, toy, troubles, most_s=4)
    await asyncio.wait_for(shift.run(until_idle=True), 120)
    assert mover.calls == 3
    assert said[-1].endswith("in 4 s.")


async def test_a_shift_without_end_goes_on_trying(
    opened: Opened, clock: HandClock, toy: Path
) -> None:
    troubles: list[LabcrewError] = [EngineUnavailable("No engine answers")] * 6
    shift, mover, _ = _shift(opened, clock, toy, troubles, most_s=2)
    working = asyncio.create_task(shift.run())
    async with asyncio.timeout(120):
        while opened.ledger.tickets.get("T-001").status != "done":
            await asyncio.sleep(0.01)
    working.cancel()
    assert mover.calls == 7


async def test_another_trouble_waits_for_a_new_line(
    opened: Opened, clock: HandClock, toy: Path
) -> None:
    shift, mover, said = _shift(opened, clock, toy, [LabcrewError("another worker has it")])
    await asyncio.wait_for(shift.run(until_idle=True), 120)
    assert mover.calls == 1
    assert said == ["T-001: another worker has it"]


class Asking:
    """A worker that waits at a ticket's gates, and ends it when all of them are decided.

    Args:
        putting_away: what happens while a call puts its container away, one a call.
    """

    def __init__(self, opened: Opened, *putting_away: Callable[[], object]) -> None:
        self.ledger, self.putting_away, self.calls = opened.ledger, list(putting_away), 0

    async def advance(self, ticket: str) -> AssignedTicket:
        self.calls += 1
        now = self.ledger.tickets.get(ticket)
        if now.status != "paused":
            asks = any(gate.status == "open" for gate in self.ledger.gates.of(ticket))
            now = now.model_copy(update={"status": "waiting" if asks else "done"})
            self.ledger.tickets.put(now, actor="worker")
        if self.putting_away:
            self.putting_away.pop(0)()
        return now


async def _until_idle(office: Office, mover: Asking) -> list[str]:
    said: list[str] = []
    shift = Shift(office, mover, at_once=2, say=said.append)
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    return said


async def test_a_decision_while_the_worker_leaves_is_not_missed(opened: Opened, toy: Path) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    plan_gate(opened, "T-001")
    mover = Asking(opened, lambda: office.decide("T-001", "accept", "ada"))
    assert await _until_idle(office, mover) == []
    assert opened.ledger.tickets.get("T-001").status == "done"
    assert mover.calls == 2


async def test_a_resumption_while_the_worker_leaves_is_not_missed(
    opened: Opened, toy: Path
) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)

    class Halting(Asking):
        async def advance(self, ticket: str) -> AssignedTicket:
            if not self.calls:
                office.pause(ticket, "ada")
            return await super().advance(ticket)

    mover = Halting(opened, lambda: office.resume("T-001", "ada"))
    await _until_idle(office, mover)
    assert opened.ledger.tickets.get("T-001").status == "done"


async def test_a_gate_that_is_decided_moves_its_ticket_though_another_waits(
    opened: Opened, toy: Path
) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    first, second = (plan_gate(opened, "T-001", id=f"T-001-escalation-{n}") for n in "ab")
    mover = Asking(opened)
    await _until_idle(office, mover)
    shift = Shift(office, mover, at_once=2, say=lambda text: None)
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert mover.calls == 2  # each shift looks once
    office.decide(first.id, "accept", "ada")
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert mover.calls == 3
    assert opened.ledger.tickets.get("T-001").status == "waiting"
    office.decide(second.id, "accept", "ada")
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert opened.ledger.tickets.get("T-001").status == "done"


async def test_a_ledger_that_is_locked_for_a_while_ends_no_shift(opened: Opened, toy: Path) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    troubles = [LedgerError("The ledger is locked"), LedgerError("The ledger is locked")]

    def settle() -> None:
        if troubles:
            raise troubles.pop()

    said: list[str] = []
    watched: Any = Around(office, settle=settle)
    shift = Shift(watched, Mover(office, []), at_once=2, say=said.append)
    working = asyncio.create_task(shift.run())
    async with asyncio.timeout(20):
        while opened.ledger.tickets.get("T-001").status != "done":
            await asyncio.sleep(0.01)
    working.cancel()
    assert said == ["The ledger is locked"]


async def test_a_fault_of_labcrews_own_is_told_and_not_tried_at_once(
    opened: Opened, toy: Path
) -> None:
    office = opened.office()
    office.assign(read_ticket(TICKET), source="ticket.md", by="ada", beside=toy)
    mover, said = Mover(office, [ValueError("no such fold")]), list[str]()
    shift = Shift(office, mover, at_once=2, say=said.append)
    await asyncio.wait_for(shift.run(until_idle=True), 20)
    assert mover.calls == 1
    assert said == ["T-001: ValueError: no such fold"]


async def test_what_is_done_beside_goes_on_after_any_trouble() -> None:
    said: list[str] = []
    troubles = [LabcrewError("not now"), KeyError("state"), KeyError("state")]
    went_on = asyncio.Event()

    async def step() -> None:
        if troubles:
            raise troubles.pop(0)
        went_on.set()

    async with beside(step, every_s=0, say=said.append), asyncio.timeout(20):
        await went_on.wait()
    assert said == ["not now", "KeyError: 'state'"]
