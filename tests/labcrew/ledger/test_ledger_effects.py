"""Effects happen once; leases keep a ticket to one worker."""

import asyncio
import threading
import time

import pytest

from labcrew.errors import LeaseLost, LedgerError, NotFound
from labcrew.ledger import Lease, Ledger
from tests.labcrew.ledger.parts import MakeTrial, StandingClock


def taken(ledger: Ledger, holder: str, **options: bool) -> Lease:
    lease = ledger.acquire("T", holder, 60, **options)
    assert lease is not None
    return lease


class World:
    """Where effects happen, with a count of them."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.looks = 0

    def perform(self) -> dict[str, object]:
        self.made.append("x")
        return {"made": (1, 2)}

    def find(self) -> dict[str, object] | None:
        self.looks += 1
        return {"made": (1, 2)} if self.made else None


def test_once_does_it_once_and_answers_alike(ledger: Ledger) -> None:
    world = World()
    results = [ledger.once("k", "T", {"n": 1}, world.perform, world.find) for _ in range(3)]
    assert results == [{"made": [1, 2]}] * 3
    assert (len(world.made), world.looks) == (1, 0)
    assert [line.kind for line in ledger.events.of("T")] == ["effect.intended", "effect.done"]


def test_what_may_be_begun_again_is_one_line_and_done_once(ledger: Ledger) -> None:
    world = World()

    async def perform() -> dict[str, object]:
        return world.perform()

    def once(payload: dict[str, int]) -> dict[str, object]:
        return asyncio.run(ledger.once_async("k", "T", payload, perform, None))

    assert [once({"n": 1}) for _ in range(2)] == [{"made": [1, 2]}] * 2
    assert len(world.made) == 1
    assert [line.kind for line in ledger.events.of("T")] == ["effect.done"]
    with pytest.raises(LedgerError, match="another payload"):
        once({"n": 2})
    ledger.intend("half", "T", {"n": 1})  # an older labcrew noted the intent apart
    assert asyncio.run(ledger.once_async("half", "T", {"n": 1}, perform, None))["made"]
    half = ledger.effect("half")
    assert half is not None
    assert half.status == "done"


def test_an_intent_without_an_outcome_is_looked_for_first(ledger: Ledger) -> None:
    world = World()
    ledger.intend("done-before-crash", "T", {})
    world.perform()
    assert [effect.key for effect in ledger.effects.pending("T")] == ["done-before-crash"]
    ledger.once("done-before-crash", "T", {}, world.perform, world.find)
    assert (len(world.made), world.looks) == (1, 1)
    empty = World()
    ledger.intend("crash-before-doing", "T", {})
    ledger.once("crash-before-doing", "T", {}, empty.perform, empty.find)
    assert (len(empty.made), empty.looks) == (1, 1)


def test_a_failed_effect_stays_open(ledger: Ledger) -> None:
    world = World()

    def fails() -> dict[str, object]:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        ledger.once("k", "T", {}, fails, world.find)
    assert [effect.status for effect in ledger.effects.pending("T")] == ["intended"]
    ledger.once("k", "T", {}, world.perform, world.find)
    assert (len(world.made), world.looks) == (1, 1)


def test_changed_payloads_and_results_are_refused(ledger: Ledger) -> None:
    ledger.intend("k", "T", {"n": float("nan")})
    ledger.intend("k", "T", {"n": float("nan")})
    for ticket, payload in (("T", {"n": 2}), ("U", {"n": float("nan")})):
        with pytest.raises(LedgerError, match="another payload"):
            ledger.intend("k", ticket, payload)
    ledger.done("k", {"r": 1})
    ledger.done("k", {"r": 1})
    with pytest.raises(LedgerError, match="another result"):
        ledger.done("k", {"r": 2})
    with pytest.raises(NotFound):
        ledger.done("never", {})


def test_an_effect_inside_a_transaction_is_refused(ledger: Ledger) -> None:
    world = World()
    with ledger.transaction(), pytest.raises(LedgerError, match="inside a ledger transaction"):
        ledger.once("k", "T", {}, world.perform, world.find)
    assert world.made == []


def test_threads_that_race_for_one_key(ledger: Ledger) -> None:
    world = World()

    def slow() -> dict[str, object]:
        time.sleep(0.05)
        return world.perform()

    threads = [
        threading.Thread(target=ledger.once, args=("k", "T", {}, slow, world.find))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.made) == 1


def test_tasks_that_race_for_one_key(ledger: Ledger) -> None:
    world = World()

    async def slow() -> dict[str, object]:
        await asyncio.sleep(0.05)
        return world.perform()

    async def find() -> dict[str, object] | None:
        return world.find()

    async def race() -> list[dict[str, object]]:
        calls = [ledger.once_async("k", "T", {}, slow, find) for _ in range(6)]
        return list(await asyncio.gather(*calls))

    assert asyncio.run(race()) == [{"made": [1, 2]}] * 6
    assert len(world.made) == 1


def test_one_holder_at_a_time(ledger: Ledger, clock: StandingClock) -> None:
    first = taken(ledger, "one")
    assert first.token == 1
    assert ledger.lease_of("T") == first
    assert ledger.acquire("T", "two", 60) is None
    other = ledger.acquire("U", "two", 60)
    assert other is not None
    assert other.token == 1
    clock.pass_s(40)
    first = ledger.renew(first, 60)
    clock.pass_s(40)
    assert ledger.acquire("T", "two", 60) is None
    ledger.release(first)
    assert ledger.lease_of("T") is None
    assert taken(ledger, "two").token == 2  # the token survives the release
    assert ledger.verify() == []


def test_a_worker_thought_dead_is_fenced_off(
    ledger: Ledger, clock: StandingClock, trial: MakeTrial
) -> None:
    slow = taken(ledger, "slow")
    view = ledger.fenced(slow)
    view.trials.put(trial(1), actor="slow")
    clock.pass_s(61)
    assert ledger.lease_of("T") is None
    view.trials.put(trial(2), actor="slow")  # lapsed, but nobody took it
    quick = taken(ledger, "quick")
    world = World()
    for write in (
        lambda: view.trials.put(trial(3), actor="slow"),
        lambda: view.events.append(ticket="T", actor="slow", kind="k", key="k", data={}),
        lambda: view.once("k", "T", {}, world.perform, world.find),
        lambda: view.transaction().__enter__(),
        lambda: ledger.renew(slow, 60),
    ):
        with pytest.raises(LeaseLost, match="slow no longer holds T"):
            write()
    ledger.release(slow)  # too late to matter
    assert ledger.lease_of("T") == quick
    assert world.made == []
    ledger.fenced(quick).trials.put(trial(3), actor="quick")
    assert ledger.trials.count() == 3


def test_a_released_lease_writes_nothing(ledger: Ledger, trial: MakeTrial) -> None:
    lease = taken(ledger, "one")
    ledger.release(lease)
    with pytest.raises(LeaseLost):
        ledger.fenced(lease).trials.put(trial(1), actor="one")


def test_a_lease_lost_inside_a_group_undoes_the_group(
    ledger: Ledger, clock: StandingClock, trial: MakeTrial
) -> None:
    lease = taken(ledger, "one")

    def loses_it_halfway() -> None:
        with ledger.transaction():
            ledger.trials.put(trial(1), actor="a")
            ledger.release(lease)
            ledger.fenced(lease).trials.put(trial(2), actor="a")

    with pytest.raises(LeaseLost):
        loses_it_halfway()
    assert ledger.trials.count() == 0
    assert ledger.lease_of("T") == lease


def test_the_owner_of_a_home_takes_over_from_its_dead_self(
    ledger: Ledger, trial: MakeTrial
) -> None:
    dead = taken(ledger, "worker")
    assert ledger.acquire("T", "worker", 60) is None
    alive = taken(ledger, "worker", take_over=True)
    assert alive.token == dead.token + 1
    with pytest.raises(LeaseLost):
        ledger.fenced(dead).trials.put(trial(1), actor="worker")


def test_what_is_harmless_to_begin_again_is_one_commit(ledger: Ledger) -> None:
    async def perform() -> dict[str, object]:
        if not lines:
            lines.append(ledger.events.count())
            raise OSError("the process ends")
        lines.append(ledger.events.count())
        return {"made": 1}

    def do(payload: dict[str, object]) -> dict[str, object]:
        return asyncio.run(ledger.once_async("k", "T", payload, perform, None))

    lines: list[int] = []
    with pytest.raises(OSError, match="the process ends"):
        do({"what": "a"})
    assert ledger.effect("k") is None
    assert do({"what": "a"}) == do({"what": "a"}) == {"made": 1}
    assert lines == [0, 0]
    kept = ledger.effect("k")
    assert kept is not None
    assert (kept.status, kept.payload) == ("done", {"what": "a"})
    assert ledger.verify() == []
    with pytest.raises(LedgerError, match="another payload"):
        do({"what": "b"})
    assert len(lines) == 2
