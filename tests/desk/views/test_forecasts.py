"""How forecasts fared: from what the ledger holds, and nothing told from too few tickets."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.views.forecasts import Chance, _chance, track_record
from desk.wiring import Opened
from labcrew.domain.experiment import Forecast, Plan
from tests.desk.board.filled import assigned_toy
from tests.desk.records import HASH, merge_request, trial


def _ended(opened: Opened, toy: Path, forecast: Forecast, runs: int, *, won: bool) -> str:
    taken = assigned_toy(opened, toy)
    plan = Plan(
        id=f"{taken.id}-P0.0",
        ticket=taken.id,
        revision=0,
        summary="",
        steps=(),
        suggestions=(),
        quarantine=(),
        environment="",
        environment_key=HASH,
        forecast=forecast,
        by="rule",
    )
    opened.ledger.plans.put(plan, actor="coordinator")
    made = [trial(opened, taken.id, number) for number in range(runs)]
    if won:
        merge_request(opened, taken, made[0])
    opened.ledger.tickets.put(taken.model_copy(update={"status": "done"}), actor="worker")
    return taken.id


def test_what_came_of_forecasts(opened: Opened, toy: Path) -> None:
    forecast = Forecast(trials=4, hours=0.02, cost_usd=0, basis="a guess")
    assert track_record(opened.ledger).past == ()
    for runs, won in ((4, True), (8, False)):
        _ended(opened, toy, forecast, runs, won=won)
    few = track_record(opened.ledger)
    assert (few.chance.of, few.chance.estimate, few.trials_ratio) == (2, None, None)
    last = _ended(opened, toy, forecast, 2, won=True)
    record = track_record(opened.ledger)
    assert [fared.trials for fared in record.past] == [2, 8, 4]
    assert record.past[0].hours == pytest.approx(2 * 36 / 3600 / 2)  # 36 s a run, two at once
    assert record.chance.estimate == pytest.approx(2 / 3)
    assert record.trials_ratio == 1.0
    assert record.cost_ratio is None  # nothing was forecast to cost anything
    besides = track_record(opened.ledger, opened.ledger.tickets.get(last))
    assert last not in {fared.ticket for fared in besides.past}


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_chance_lies_in_its_interval(succeeded: int, more: int) -> None:
    chance: Chance = _chance(succeeded, succeeded + more)
    assert 0 <= chance.low <= chance.high <= 1
    if chance.estimate is not None:
        assert chance.low - 1e-9 <= chance.estimate <= chance.high + 1e-9
