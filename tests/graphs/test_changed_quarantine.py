"""Rows that a revision takes back in: runs without them are shown, and compared with nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.runtime import Runtime

from agents.description import write
from graphs.crew import Crew
from graphs.nodes.preparation import clean
from graphs.nodes.trials import design_trials
from graphs.packet import make_packet
from graphs.work import Work
from labcrew.domain.experiment import Trial
from labcrew.domain.research import DatasetCard, QuarantinedRow, data_hash
from labcrew.judgement import Judge
from tests.doubles.bench import make_bench
from tests.doubles.embedder import WordEmbedder
from tests.packets import CARD
from tests.tickets import make_assigned, make_plan, make_trial
from tools.facts import change_effect

ROWS = tuple(
    QuarantinedRow(path=CARD.path, row=row, check="duplicate", reason="r", confidence=1)
    for row in (1, 2)
)
VALUES = {"lr": 0.3, "batch": 8}


def cleaned(copy: str) -> DatasetCard:
    """The card, with a cleaned copy."""
    update = {"quarantined": ROWS, "cleaned_sha256": copy * 64, "cleaned_rows": 8}
    return CARD.model_copy(update=update)


def without_rows(number: int, value: float, card: DatasetCard, **changes: Any) -> Trial:
    """A scored trial on the cleaned data of a card."""
    made = make_trial(number, value, data="cleaned", **changes)
    assert made.score is not None
    seen = {"data_sha256": data_hash((card,), cleaned=True)}
    return made.model_copy(update={"score": made.score.model_copy(update=seen)})


BEFORE = (
    make_trial(0, 0.5, kind="baseline", values={}),
    make_trial(1, 0.55, values={"lr": 0.2, "batch": 8}),
    without_rows(2, 0.6, cleaned("c"), kind="cleaned_baseline", values={}),
    without_rows(3, 0.9, cleaned("c"), values=VALUES),
)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    bench = make_bench(tmp_path)
    crew = Crew.of(Judge(models={}), WordEmbedder())
    with bench.ledger as ledger:
        assigned = make_assigned(seeds=[0], budget={"trials": 12, "parallel": 2})
        ledger.tickets.put(assigned, actor="person:ada")
        ledger.datasets.put(cleaned("c"), actor="data_pipeline")
        ledger.plans.put(make_plan(quarantine=ROWS), actor="coordinator")
        for trial in BEFORE:
            ledger.trials.put(trial, actor="log_monitor")
        yield Work(bench=bench, crew=crew, rules=crew)


def changed(work: Work, *cards: DatasetCard, quarantine: tuple[QuarantinedRow, ...] = ()) -> None:
    """A new revision's plan, and the data as it left it."""
    plan = make_plan(id="T-0001-P1.0", revision=1, quarantine=quarantine)
    work.ledger.plans.put(plan, actor="coordinator")
    for card in cards:
        work.ledger.datasets.put(card, actor="data_pipeline")


async def designed(work: Work) -> list[Trial]:
    state: Any = {"ticket": "T-0001"}
    await design_trials(state, Runtime(context=work))
    return work.trials("T-0001")[len(BEFORE) :]


def winner(work: Work) -> dict[str, Any]:
    best = work.best(work.assigned("T-0001"), work.trials("T-0001"))
    assert best is not None
    return {"values": best.values, "data": best.data, "mean": best.mean}


async def test_without_a_quarantine_no_cleaned_trial_wins(work: Work) -> None:
    assert winner(work) == {"values": VALUES, "data": "cleaned", "mean": 0.9}
    changed(work)
    await clean(work, work.assigned("T-0001"), ())
    (card,) = work.cards("T-0001")
    assert (card.readmitted, card.cleaned_sha256, card.cleaned_rows) == ((1, 2), None, None)
    assert work.cleaned("T-0001") == {}
    assert winner(work) == {"values": {"lr": 0.2, "batch": 8}, "data": "original", "mean": 0.55}


async def test_the_design_begins_anew_on_other_cleaned_data(work: Work) -> None:
    changed(work, cleaned("e"), quarantine=ROWS[:1])
    made = await designed(work)
    assert [(t.id, t.kind, t.data) for t in made] == [("T-0001-004", "cleaned_baseline", "cleaned")]


async def test_what_earlier_data_used_up_is_gone_from_the_budget(work: Work) -> None:
    changed(work, cleaned("e"), quarantine=ROWS[:1])
    assigned = work.assigned("T-0001")
    few = assigned.budget.model_copy(update={"trials": len(BEFORE) + 1})
    work.update("T-0001", budget=few)
    made = await designed(work)
    assert [(trial.number, trial.kind) for trial in made] == [(4, "search")]


async def test_runs_on_both_share_no_mean(work: Work) -> None:
    changed(work, cleaned("e"), quarantine=ROWS[:1])
    trial = without_rows(4, 0.7, cleaned("e"), values=VALUES)
    work.ledger.trials.put(trial, actor="log_monitor")
    assert winner(work) == {"values": VALUES, "data": "cleaned", "mean": 0.7}


async def test_the_request_shows_them_and_tells_what_they_are(work: Work) -> None:
    changed(work, cleaned("e"), quarantine=ROWS[:1])
    for trial in (
        without_rows(4, 0.65, cleaned("e"), kind="cleaned_baseline", values={}),
        without_rows(5, 0.7, cleaned("e"), values=VALUES),
    ):
        work.ledger.trials.put(trial, actor="log_monitor")
    assigned = work.assigned("T-0001")
    key, budget = change_effect(assigned), assigned.budget.model_dump(mode="json")
    work.ledger.intend(key, "T-0001", {})
    work.ledger.done(key, {"commit": "f" * 40, "files": [], "missing": [], "budget": budget})
    packet, _ = await make_packet(work, assigned)
    assert [score.value for score in packet.validation_cleaned] == [0.65]
    assert [score.value for score in packet.validation_best] == [0.7]
    assert len(packet.quarantined) == 1
    text = write(packet)
    rows = {
        row.split(" | ")[0][2:]: row.split(" | ")[3]
        for row in text.splitlines()
        if "T-0001-0" in row
    }
    assert rows["T-0001-001"] == "original"
    assert rows["T-0001-003"] == "cleaned otherwise"
    assert rows["T-0001-005"] == "cleaned"
    assert "Runs on data “cleaned otherwise” lacked other rows" in text


def test_a_run_without_a_score_goes_with_the_scores_after_it(work: Work) -> None:
    changed(work, cleaned("e"), quarantine=ROWS[:1])
    lost = make_trial(2, data="cleaned", status="failed")
    new = make_trial(4, data="cleaned", status="failed")
    trials = [BEFORE[0], lost, BEFORE[3], new]
    assert work.on_present_data(work.assigned("T-0001"), trials) == [BEFORE[0], new]
