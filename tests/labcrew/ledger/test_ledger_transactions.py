"""Commits: all or nothing, one writer at a time, patience with a locked database."""

import asyncio
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from labcrew.errors import InputError, LedgerError
from labcrew.ledger import Ledger
from tests.labcrew.ledger.parts import Home, MakeDecision, MakeGate, MakeTrial


def test_a_group_stands_or_falls(ledger: Ledger, trial: MakeTrial) -> None:
    def fails() -> None:
        with ledger.transaction():
            ledger.trials.put(trial(1), actor="a")
            ledger.events.append(ticket="T", actor="a", kind="k", key="k", data={})
            assert ledger.trials.get("T-1").number == ledger.events.count() - 1  # its own writes
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert ledger.trials.count() == ledger.events.count() == 0
    with ledger.transaction():
        ledger.trials.put(trial(1), actor="a")
        with ledger.transaction():
            ledger.trials.put(trial(2), actor="a")
    assert ledger.trials.count() == ledger.events.count() == 2
    assert ledger.verify() == []


def test_an_inner_group_is_undone_by_itself(ledger: Ledger, trial: MakeTrial) -> None:
    def fails() -> None:
        with ledger.transaction():
            ledger.trials.put(trial(2), actor="a")
            raise ZeroDivisionError

    with ledger.transaction():
        ledger.trials.put(trial(1), actor="a")
        with pytest.raises(ZeroDivisionError):
            fails()
        ledger.trials.put(trial(3), actor="a")
    assert [t.number for t in ledger.trials.of("T")] == [1, 3]
    assert ledger.verify() == []


def test_a_refusal_inside_a_group_can_be_caught(
    ledger: Ledger, gate: MakeGate, decision: MakeDecision
) -> None:
    ledger.gates.put(gate(), actor="a")
    ledger.decisions.put(decision(), actor="person:ada")
    with ledger.transaction():
        with pytest.raises(InputError):
            ledger.decisions.put(decision(by="bob"), actor="person:bob")
        ledger.events.append(ticket="T", actor="a", kind="k", key="k", data={})
    assert ledger.events.find("k")
    assert ledger.verify() == []


def test_a_line_that_waits_outlives_a_commit_that_failed(ledger: Ledger) -> None:
    ledger.events.note(ticket="T", actor="a", kind="tool.used", key="waits", data={})
    store: Any = ledger._store
    with (
        pytest.raises(LedgerError, match="nothing was kept"),
        store.writing(),
        pytest.raises(LedgerError, match="nowhere"),
        store.writing() as inner,
    ):
        inner.connection.execute(text("UPDATE nowhere SET x = 1"))
    assert ledger.events.find("waits")
    assert ledger.verify() == []


@pytest.mark.parametrize(
    ("key", "data"), [("k" * 501, {}), ("half\ud800", {}), ("k", {"said": "half\ud800"})]
)
def test_a_line_that_cannot_be_kept_is_refused_to_who_notes_it(
    ledger: Ledger, key: str, data: dict[str, str]
) -> None:
    with pytest.raises(LedgerError):
        ledger.events.note(ticket="T", actor="a", kind="tool.used", key=key, data=data)
    ledger.events.append(ticket="T", actor="a", kind="k", key="next", data={})
    assert ledger.events.count() == 1


def test_two_people_decide_at_once(ledger: Ledger, gate: MakeGate, decision: MakeDecision) -> None:
    for round in range(10):
        id = f"G-{round}"
        ledger.gates.put(gate(id), actor="a")
        barrier = threading.Barrier(2)
        refused: list[str] = []

        def decide(
            by: str,
            id: str = id,
            barrier: threading.Barrier = barrier,
            refused: list[str] = refused,
        ) -> None:
            barrier.wait()
            try:
                ledger.decisions.put(decision(by=by, gate=id), actor=f"person:{by}")
            except InputError as error:
                refused.append(str(error))

        threads = [threading.Thread(target=decide, args=(by,)) for by in ("ada", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert "already decided by" in refused[0]
        assert ledger.decisions.get(id).by in refused[0]
    assert ledger.verify() == []


def test_threads_share_a_ledger(ledger: Ledger, trial: MakeTrial) -> None:
    def work(ticket: str) -> None:
        for number in range(15):
            with ledger.transaction():
                ledger.trials.put(trial(number, ticket=ticket), actor=ticket)
                ledger.trials.put(trial(number, ticket=ticket, status="running"), actor=ticket)

    threads = [threading.Thread(target=work, args=(f"T{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.trials.count(status="running") == 90
    assert [line.sequence for line in ledger.events.of()] == list(range(1, 181))
    assert ledger.verify() == []


def test_a_transaction_across_an_await_is_refused_at_once(ledger: Ledger) -> None:
    async def holds() -> None:
        with ledger.transaction():
            await asyncio.sleep(0.05)

    async def writes() -> None:
        await asyncio.sleep(0.01)
        assert ledger.events.count() == 0  # reading is fine
        with pytest.raises(LedgerError, match="Another task"):
            ledger.events.append(ticket="T", actor="a", kind="k", key="k", data={})

    async def both() -> None:
        await asyncio.gather(holds(), writes())

    asyncio.run(both())


def test_a_lock_is_waited_for_and_then_said(home: Home, trial: MakeTrial) -> None:
    patient, hasty = home.open(), home.open(wait_s=0.2)
    other = sqlite3.connect(home.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(patient.trials.put, trial(1), actor="a")
        with pytest.raises(LedgerError, match="is locked"):
            hasty.trials.put(trial(2), actor="a")
        assert hasty.trials.count() == 0  # readers are never locked out
        assert not waiting.done()
        other.execute("COMMIT")
        waiting.result()
    other.close()
    assert patient.trials.count() == 1
