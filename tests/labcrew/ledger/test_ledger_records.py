"""Records and events: what is put comes back, once, in order, whatever it holds."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from labcrew.domain.base import canonical_json
from labcrew.domain.experiment import Forecast, Plan
from labcrew.domain.review import Comment, MergeRequest
from labcrew.errors import InputError, LedgerError, NotFound, StorageFull
from labcrew.ledger import Ledger
from tests.labcrew.ledger.parts import Home, MakeDecision, MakeGate, MakeTrial, StandingClock

FIXTURES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def kept(value: Any) -> Any:
    """What becomes of a value in JSON: numbers that aren't finite are strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [kept(item) for item in value]
    return {k: kept(v) for k, v in value.items()} if isinstance(value, dict) else value


def merge_request(id: str = "M") -> MergeRequest:
    return MergeRequest(
        id=id,
        ticket="T",
        revision=0,
        title="",
        branch="b",
        target=None,
        base_commit="0",
        commit="1",
        template="",
        description="",
        evidence=(),
        gain=None,
        verdict="unmeasured",
    )


def test_a_record_comes_back(ledger: Ledger, trial: MakeTrial) -> None:
    ledger.trials.put(trial(1, values={"lr": 0.1, "on": True, "n": 3}), actor="a")
    assert ledger.trials.get("T-1") == trial(1, values={"lr": 0.1, "on": True, "n": 3})
    assert ledger.trials.find("T-2") is None


def test_the_same_again_does_nothing(ledger: Ledger, trial: MakeTrial) -> None:
    for _ in range(3):
        ledger.trials.put(trial(1), actor="a")
    assert ledger.events.count() == 1


def test_there_and_back_again_is_three_lines(ledger: Ledger, trial: MakeTrial) -> None:
    for status in ("running", "stopped", "running"):
        ledger.trials.put(trial(1, status=status), actor="a", kind=f"trial.{status}")
    kinds = [line.kind for line in ledger.events.of("T")]
    assert kinds == ["trial.running", "trial.stopped", "trial.running"]
    assert ledger.verify() == []


def test_order_status_limit_and_counts(ledger: Ledger, trial: MakeTrial) -> None:
    for number in (3, 1, 2):
        ledger.trials.put(trial(number), actor="a")
    ledger.trials.put(trial(3, status="running"), actor="a")
    ledger.trials.put(trial(9, ticket="U"), actor="a")
    assert [t.number for t in ledger.trials.of("T")] == [3, 1, 2]
    assert [t.number for t in ledger.trials.all(status="planned")] == [1, 2, 9]
    assert [t.number for t in ledger.trials.all(limit=2)] == [2, 9]
    assert (ledger.trials.count("T"), ledger.trials.count(), ledger.trials.count("V")) == (3, 4, 0)
    assert ledger.trials.count("T", status="running") == 1
    with pytest.raises(LedgerError, match="no status"):
        ledger.plans.all(status="open")


def test_not_found_names_what_is_near(ledger: Ledger, trial: MakeTrial) -> None:
    with pytest.raises(NotFound, match="none yet"):
        ledger.trials.get("T-1")
    ledger.trials.put(trial(12), actor="a")
    with pytest.raises(NotFound, match="Did you mean T-12"):
        ledger.trials.get("T-21")


def test_numbers_that_are_not_finite_come_back(ledger: Ledger) -> None:
    plan = Plan(
        id="T/plan-2",
        ticket="T",
        revision=2,
        summary="",
        steps=(),
        suggestions=(),
        quarantine=(),
        environment="",
        environment_key="",
        forecast=Forecast(trials=1, hours=math.inf, cost_usd=math.nan, basis=""),
        by="rule",
    )
    ledger.plans.put(plan, actor="a")
    ledger.plans.put(plan, actor="a")
    forecast = ledger.plans.get("T/plan-2").forecast
    assert forecast.hours == math.inf
    assert math.isnan(forecast.cost_usd)
    assert ledger.events.count() == 1


def test_a_comment_belongs_to_its_merge_request(ledger: Ledger, clock: StandingClock) -> None:
    comment = Comment(id="C", merge_request="M", by="ada", at=clock.now(), text="why?")
    with pytest.raises(NotFound, match="'M'"):
        ledger.comments.put(comment, actor="person:ada")
    ledger.merge_requests.put(merge_request(), actor="a")
    ledger.comments.put(comment, actor="person:ada")
    assert ledger.comments.of("T") == [comment]


def test_a_record_stays_with_its_ticket(ledger: Ledger, trial: MakeTrial) -> None:
    ledger.trials.put(trial(1), actor="a")
    with pytest.raises(LedgerError, match="can't move"):
        ledger.trials.put(trial(1, ticket="U", id="T-1"), actor="a")


@FIXTURES
@given(shown=st.dictionaries(st.text(), JSON, max_size=5), comment=st.text(max_size=200))
def test_wild_documents_come_back(
    ledger: Ledger, gate: MakeGate, shown: dict[str, Any], comment: str
) -> None:
    wild = gate(f"G-{ledger.gates.count()}", shown).model_copy(update={"title": comment})
    try:
        ledger.gates.put(wild, actor="a")
    except LedgerError:
        assert has_surrogate(json.dumps([kept(shown), comment], ensure_ascii=False))
        return
    stored = ledger.gates.get(wild.id)
    assert canonical_json(stored.shown) == canonical_json(kept(shown))
    assert stored.title == comment
    lines = ledger.events.count()
    ledger.gates.put(wild, actor="a")
    ledger.gates.put(stored, actor="a")
    assert ledger.events.count() == lines


@FIXTURES
@given(data=st.dictionaries(st.text(), JSON, max_size=5), kind=st.text(max_size=30))
def test_wild_events_come_back_and_verify(ledger: Ledger, data: dict[str, Any], kind: str) -> None:
    line = ledger.events.append(
        ticket="T", actor="a", kind=kind, key=f"k{ledger.events.count()}", data=data
    )
    assert canonical_json(line.data) == canonical_json(kept(data))
    assert ledger.events.of("T", after=line.sequence - 1) == [line]
    assert ledger.verify() == []


def has_surrogate(text: str) -> bool:
    return any(0xD800 <= ord(character) < 0xE000 for character in text)


@pytest.mark.parametrize("bad", [{"x": "\ud800"}, {"\udfff": 1}, {"x": {1, object()}}])
def test_what_cannot_be_kept_is_refused_whole(ledger: Ledger, bad: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="can't be written"):
        ledger.events.append(ticket="T", actor="a", kind="k", key="k", data=bad)
    with pytest.raises(LedgerError, match="not valid Unicode"):
        ledger.events.append(ticket="\ud800", actor="a", kind="k", key="k", data={})
    assert ledger.events.count() == 0
    assert ledger.verify() == []


def test_an_event_key_is_used_once(ledger: Ledger) -> None:
    first = ledger.events.append(ticket="T", actor="a", kind="k", key="step", data={"n": 1})
    again = ledger.events.append(ticket="T", actor="b", kind="k", key="step", data={"n": 2})
    assert again == first == ledger.events.find("step")
    assert ledger.events.count() == ledger.events.count("T", kind="k") == 1


def test_events_of_a_ticket_after_a_line(ledger: Ledger) -> None:
    for number in range(6):
        ledger.events.append(ticket="TU"[number % 2], actor="a", kind="k", key=f"{number}", data={})
    assert [line.key for line in ledger.events.of("T", after=1)] == ["2", "4"]
    assert [line.key for line in ledger.events.of(limit=2, after=3)] == ["3", "4"]


def test_the_ledgers_own_keys_are_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="kept for the ledger"):
        ledger.events.append(ticket="T", actor="a", kind="k", key="ledger/put/x", data={})
    with pytest.raises(LedgerError, match="over 500"):
        ledger.events.append(ticket="T", actor="a", kind="k", key="k" * 501, data={})


def test_a_gate_is_decided_once(
    ledger: Ledger, gate: MakeGate, decision: MakeDecision, clock: StandingClock
) -> None:
    with pytest.raises(NotFound):
        ledger.decisions.put(decision(), actor="person:ada")
    ledger.gates.put(gate(), actor="a")
    ledger.decisions.put(decision(), actor="person:ada")
    clock.pass_s(5)
    ledger.decisions.put(decision(), actor="person:ada")  # the same, pressed again
    with pytest.raises(InputError, match=r"already decided by ada \(accept\)"):
        ledger.decisions.put(decision(by="bob", kind="ignore"), actor="person:bob")
    assert ledger.decisions.get("T/plan-0").by == "ada"
    assert ledger.decisions.get("T/plan-0").at < clock.now()


def test_a_full_disk_is_said_and_nothing_is_half_written(home: Home, trial: MakeTrial) -> None:
    home.open().close()

    def cap(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count = 90")

    def fill(first: int) -> None:
        for number in range(first, first + 1000):
            ledger.trials.put(trial(number, because="x" * 3000), actor="a")

    event.listen(Engine, "connect", cap)
    try:
        ledger = home.open()
        with pytest.raises(StorageFull, match="can't grow"):
            fill(0)
        with pytest.raises(StorageFull), ledger.transaction():
            fill(1000)
    finally:
        event.remove(Engine, "connect", cap)
    assert ledger.trials.count() == ledger.events.count() > 0
    assert ledger.verify() == []
    ledger = home.open()
    ledger.trials.put(trial(5000), actor="a")
    assert ledger.verify() == []
