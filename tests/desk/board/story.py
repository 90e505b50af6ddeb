"""A home as a lab's looks on an ordinary day: a ticket at work, one that waits, some that ended."""

from datetime import timedelta
from pathlib import Path

from desk.wiring import Opened
from labcrew.domain.experiment import Forecast, Incident, Intervention, Plan
from labcrew.domain.research import (
    Brief,
    Citation,
    DatasetCard,
    Finding,
    QuarantinedRow,
    SourceReport,
    Suggestion,
)
from labcrew.domain.ticket import AssignedTicket
from tests.desk.board.filled import assigned_toy
from tests.desk.conftest import HandClock
from tests.desk.records import HASH, plan_gate, score, trial

_CLAIM = (
    "With batches of 32 a learning rate of 0.1 and momentum 0.9 gave the best validation accuracy."
)
_VALUES = (0.03, 0.1, 0.3, 0.01, 0.17, 0.5, 0.08, 0.12, 0.02, 0.22)
_SCORES = (0.912, 0.951, 0.943, 0.887, 0.958, 0.902, 0.955, 0.961, 0.899, 0.957)


def told(opened: Opened, toy: Path) -> None:
    """Writes the story down."""
    first = assigned_toy(opened, toy, "Better accuracy on the handwritten digits")
    _state(opened, first, "running", "")
    _plan(opened, first)
    _clock(opened).pass_(minutes=9)
    for seed in range(3):
        id = f"{first.id}-00{seed}"
        value = score(id, 0.861 + seed / 200)
        trial(opened, first.id, seed, kind="baseline", values={}, seed=seed, score=value)
        _log(opened, first.id, id, value.value, 0.1)
    for number, (rate, reached) in enumerate(zip(_VALUES, _SCORES, strict=True), 3):
        id = f"{first.id}-{number:03d}"
        _clock(opened).pass_(minutes=4)
        trial(opened, first.id, number, values={"lr": rate}, score=score(id, reached))
        _log(opened, first.id, id, reached, rate)
    _clock(opened).pass_(minutes=2)
    opened.ledger.incidents.put(
        Incident(
            id=f"{first.id}-008-diverged",
            ticket=first.id,
            trial=f"{first.id}-008",
            kind="diverged",
            evidence=("step 129 loss nan", "step 258 loss nan"),
            diagnosis="loss is nan and has stayed so",
            at_s=12,
            step=258,
            intervention=Intervention(
                action="restart_lower_rate",
                because="it brought 0.94 of 1 in 3 earlier runs",
                by="rule",
                new_trial=f"{first.id}-010",
                helped=True,
            ),
        ),
        actor="log_monitor",
        kind="incident.opened",
    )
    trial(opened, first.id, 13, values={"lr": 0.15}, status="running", score=None, result=None)
    second = assigned_toy(opened, toy, "Does weight decay help on the small data set?")
    _state(opened, second, "waiting", "waits for a person at the plan")
    plan = _plan(opened, second)
    now = opened.clock.now()
    plan_gate(
        opened,
        second.id,
        title="Plan for: does weight decay help on the small data set?",
        description="To maximize accuracy: clean the training data, then search settings.\n\n"
        + "\n".join(f"{n}. {step}" for n, step in enumerate(plan.steps, 1)),
        shown={
            "plan": plan.model_dump(mode="json"),
            "budget": second.budget.model_dump(mode="json"),
            "base_commit": second.base_commit,
        },
        opened_at=now,
        expires_at=now + timedelta(hours=20),
    )
    for title, status, outcome in (
        ("Why does the loss rise after epoch 12?", "paused", "pause by bo"),
        ("A smaller network for the same accuracy", "done", "merged into main"),
        ("Clean the labels of the March export", "done", "merged into main"),
        ("Try the new optimizer", "failed", "the environment could not be installed"),
        ("Batch size against learning rate", "assigned", ""),
    ):
        _state(opened, assigned_toy(opened, toy, title), status, outcome)
    _clock(opened).pass_(minutes=6)


def _clock(opened: Opened) -> HandClock:
    assert isinstance(opened.clock, HandClock)
    return opened.clock


def _state(opened: Opened, ticket: AssignedTicket, status: str, outcome: str) -> None:
    changed = AssignedTicket.model_validate(
        {
            **ticket.model_dump(),
            "status": status,
            "outcome": outcome,
            "repository": "/home/ada/digits",
            "budget": {"trials": 24, "hours": 2, "usd_per_hour": 0.4},
        }
    )
    opened.ledger.tickets.put(changed, actor="worker")


def _plan(opened: Opened, ticket: AssignedTicket) -> Plan:
    id, ledger = ticket.id, opened.ledger
    citation = Citation(
        key="batches",
        title="Momentum and batch size",
        locator="papers/momentum-and-batches.md, line 9",
        verification="local_file",
    )
    finding = Finding(
        id=f"{id}-F01",
        ticket=id,
        claim=_CLAIM,
        citation=citation,
        relevance=0.61,
        confidence=0.8,
        suggests={"lr": 0.1},
    )
    ledger.findings.put(finding, actor="literature_review")
    suggestion = Suggestion(values={"lr": 0.1}, because=_CLAIM, finding=finding.id)
    ledger.briefs.put(
        Brief(
            ticket=id,
            findings=(finding.id,),
            suggestions=(suggestion,),
            searched=(SourceReport(source="library", state="searched", documents=4),),
        ),
        actor="literature_review",
        kind="literature.reviewed",
    )
    rows = tuple(
        QuarantinedRow(
            path="data/train.csv",
            row=row,
            id=f"img-{row:04d}",
            check="duplicate",
            reason=f"the same values as row {row - 5}",
            confidence=1,
        )
        for row in (12, 57, 141)
    )
    ledger.datasets.put(
        DatasetCard(
            id=f"{id}-D01",
            ticket=id,
            path="data/train.csv",
            split="train",
            sha256=HASH,
            size_bytes=210_000,
            rows=1400,
            columns=(),
            label="label",
            quarantined=rows,
        ),
        actor="data_pipeline",
        kind="data.profiled",
    )
    plan = Plan(
        id=f"{id}-P0.0",
        ticket=id,
        revision=0,
        summary="Clean the training data, then search settings.",
        steps=(
            "Run the program as it is with 3 seeds: the baseline.",
            "Take 3 rows out of the training data and run the baseline again without them.",
            "Try the setting that the literature reports, then search with Optuna (TPE).",
            "Open the holdout for the baseline and the winner, and a merge request.",
        ),
        suggestions=(suggestion,),
        quarantine=rows,
        environment="Python 3.11 with numpy, found in requirements.txt",
        environment_key=HASH,
        forecast=Forecast(
            trials=10, hours=0.5, cost_usd=0.4, basis="the time limit of 120 s a run"
        ),
        by="rule",
    )
    ledger.plans.put(plan, actor="coordinator", kind="plan.written")
    return plan


def _log(opened: Opened, ticket: str, trial: str, reached: float, rate: float) -> None:
    log = opened.home.artefacts(ticket) / "logs" / f"{trial}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = range(0, 30)
    values = [reached * (1 - 0.6 * (1 - min(0.5, rate + 0.12)) ** step) for step in steps]
    lines = [f'{{"epoch": {n}, "accuracy": {v:.4f}}}' for n, v in zip(steps, values, strict=True)]
    log.write_text("\n".join([*lines, ""]))
