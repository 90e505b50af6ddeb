"""A small real home: six tickets in every state, with records that answers rest on."""

from datetime import timedelta
from typing import Any

from desk.wiring import Opened
from evals.chat.cases import TITLES
from labcrew.domain.base import content_hash
from labcrew.domain.chat import Tokens
from labcrew.domain.experiment import (
    Forecast,
    Incident,
    Intervention,
    Plan,
    Score,
    Trial,
    TrialResult,
)
from labcrew.domain.programming import ModelCall
from labcrew.domain.research import Citation, Finding, Lesson
from labcrew.domain.review import Evidence, Gate, MergeRequest, SmokeTest
from labcrew.domain.ticket import AssignedTicket, Ticket

_STATUS = {
    "T-001": "done", "T-002": "running", "T-003": "waiting", "T-004": "paused", "T-005": "failed",
    "T-006": "waiting",
}  # fmt: skip
_METRIC = {
    "T-001": ("accuracy", "maximize"), "T-002": ("loss", "minimize"), "T-003": ("auc", "maximize"),
    "T-004": ("accuracy", "maximize"), "T-005": ("loss", "minimize"), "T-006": ("auc", "maximize"),
}  # fmt: skip
_FAILS = {("T-001", 4): "the program ended with exit code 1", ("T-001", 5): "loss is nan"}
_TRIALS = {"T-001": 9, "T-002": 5, "T-004": 3, "T-005": 2, "T-006": 4}


def fill(opened: Opened) -> None:
    """Puts the records into an empty home."""
    with opened.ledger.transaction():
        for id, title in TITLES.items():
            _ticket(opened, id, title)
            for number in range(_TRIALS.get(id, 0)):
                _trial(opened, id, number)
        _research(opened)
        _plans_and_gates(opened)
        for id, status, verdict in (("T-001", "merged", "improves"), ("T-006", "open", "no_gain")):
            _merge_request(opened, id, status, verdict)
    opened.office().decide("T-001-plan-r0.0", "accept", "grace", comment="Go on.")


def _ticket(opened: Opened, id: str, title: str) -> None:
    name, direction = _METRIC[id]
    ticket = Ticket.model_validate(
        {
            "title": title,
            "question": "Which setting is best?",
            "repository": f"/lab/{id.lower()}",
            "metric": {"name": name, "direction": direction, "file": "metric.json"},
            "run": {"command": "python train.py {settings} --seed {seed} --outputs {outputs}"},
            "search_space": {"lr": {"type": "float", "low": 0.001, "high": 1.0, "log": True}},
            "budget": {"trials": 24, "hours": 7.5, "usd_per_hour": 1.25},
        }
    )
    outcome = {"failed": "its environment could not be installed: no torch 9.9", "done": "merged"}
    assigned = AssignedTicket(
        id=id,
        ticket=ticket,
        source=f"{id}.md",
        assigned_by="ada",
        assigned_at="2026-01-01T09:30:00+00:00",
        repository=f"/lab/{id.lower()}",
        base_commit=content_hash(id)[:40],
        target_branch="main",
        budget=ticket.budget,
        status=_STATUS[id],
        outcome=outcome.get(_STATUS[id], ""),
    )
    opened.ledger.tickets.put(assigned, actor="person:ada", kind="ticket.assigned")


def _trial(opened: Opened, ticket: str, number: int) -> None:
    id = f"{ticket}-{number:03d}"
    fails = _FAILS.get((ticket, number))
    runs = ticket == "T-002" and number == 4
    made = Trial(
        id=id,
        ticket=ticket,
        number=number,
        kind="baseline" if number == 0 else "search",
        values={} if number == 0 else {"lr": round(0.013 * number + 0.002, 4)},
        seed=number % 3,
        data="original",
        memory_mb=2048,
        status="running" if runs else "failed" if fails else "scored",
        score=None if runs or fails else _score(id, _value(ticket, number)),
        result=None
        if runs
        else TrialResult(
            exit_code=1 if fails else 0,
            reason=fails or "it ran to its end",
            duration_s=311.25 + 17.5 * number,
            outputs_sha256=content_hash(id),
            output_files=3,
            log_bytes=2048,
        ),
    )
    kind = "trial.started" if runs else "trial.ended"
    opened.ledger.trials.put(made, actor="experiment_launcher", kind=kind)


def _value(ticket: str, number: int) -> float:
    sign = -1 if _METRIC[ticket][1] == "minimize" else 1
    return round((0.71 if sign > 0 else 0.83) + sign * (0.0237 * number - 0.0019 * number**2), 6)


def _score(trial: str, value: float, split: str = "validation") -> Score:
    return Score(
        value=value,
        split=split,
        source="evaluator",
        trial=trial,
        commit=content_hash(trial)[:40],
        data_sha256=content_hash("data"),
        outputs_sha256=content_hash(trial),
        seed=0,
        image_digest=f"sha256:{content_hash('image')}",
    )


def _research(opened: Opened) -> None:
    claims = (
        ("Momentum", "Momentum of 0.9 reached the target in 37 epochs instead of 61."),
        ("Label noise", "With 12.5 percent of labels wrong, cleaning gained 0.031 accuracy."),
        ("Weight decay", "A weight decay of 0.0005 was the best of five values."),
    )
    for number, (title, claim) in enumerate(claims, 1):
        finding = Finding(
            id=f"T-001-F{number:02d}",
            ticket="T-001",
            claim=claim,
            citation=Citation(key=f"k{number}", title=title, locator=f"papers/{number}.md, line 4"),
            relevance=0.5,
            confidence=0.8,
        )
        opened.ledger.findings.put(finding, actor="literature_review")
    lesson = Lesson(
        id="T-001-L0.0",
        ticket="T-001",
        text="A batch size of 32 with lr 0.093 gave the best validation accuracy, 0.7780.",
        code_hash=content_hash("code")[:40],
        data_hash=content_hash("data"),
        repository="/lab/t-001",
    )
    opened.ledger.lessons.put(lesson, actor="coordinator", kind="lesson.kept")
    incident = Incident(
        id="T-001-005-not-finite",
        ticket="T-001",
        trial="T-001-005",
        kind="not_finite",
        evidence=("step 412 loss nan",),
        diagnosis="loss is nan and has stayed so since step 412",
        step=412,
        at_s=18.5,
        intervention=Intervention(
            action="restart_lower_rate",
            because="it helped in 3 of 4 such cases",
            by="rule",
            new_trial="T-001-006",
            helped=True,
        ),
    )
    opened.ledger.incidents.put(incident, actor="log_monitor", kind="incident.seen")
    call = ModelCall(
        id="T-001/call/000001",
        ticket="T-001",
        agent="coordinator",
        purpose="coordinator.plan",
        model="a-model",
        prompt_sha256=content_hash("prompt"),
        tokens=Tokens(prompt=1843, completion=211),
        usd=0.0127,
        duration_s=2.5,
        outcome="answered",
    )
    opened.ledger.model_calls.put(call, actor="coordinator")


def _plans_and_gates(opened: Opened) -> None:
    now = opened.clock.now()
    for id, hours in (("T-001", 3.4), ("T-002", 2.75), ("T-003", 6.1)):
        plan = Plan(
            id=f"{id}-P0.0",
            ticket=id,
            revision=0,
            summary="Search the learning rate.",
            steps=("Run it as it is.", "Search."),
            suggestions=(),
            quarantine=(),
            environment="python 3.11",
            environment_key=content_hash("environment"),
            forecast=Forecast(trials=21, hours=hours, cost_usd=4.35, basis="the time limit a run"),
            by="rule",
        )
        opened.ledger.plans.put(plan, actor="coordinator", kind="plan.written")
    for id in ("T-001", "T-003"):
        _gate(opened, id, "plan", {"plan": {"suggestions": []}}, now + timedelta(hours=26))


def _gate(opened: Opened, ticket: str, kind: Any, shown: dict[str, Any], expires: Any) -> None:
    gate = Gate(
        id=f"{ticket}-{kind}-r0.0",
        ticket=ticket,
        kind=kind,
        title=f"{kind.capitalize()} for {TITLES[ticket]}",
        description="What is planned.",
        shown=shown,
        allowed=("accept", "edit", "respond", "ignore") if kind == "plan"
        else ("accept", "respond", "ignore"),
        safe_default="ignore",
        opened_at=opened.clock.now() - timedelta(hours=5),
        expires_at=expires,
    )  # fmt: skip
    opened.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")


def _merge_request(opened: Opened, ticket: str, status: Any, verdict: Any) -> None:
    best = _score(f"{ticket}-003", _value(ticket, 3), "holdout")
    request = MergeRequest(
        id=f"{ticket}-MR0",
        ticket=ticket,
        revision=0,
        title=TITLES[ticket],
        branch=f"labcrew/{ticket}",
        target="main",
        base_commit=content_hash(ticket)[:40],
        commit=content_hash([ticket])[:40],
        template="{{holdout_best_mean}}",
        description=f"{best.value:.4f}",
        evidence=(
            Evidence(
                key="holdout_best_mean",
                value=best.value,
                digits=4,
                statistic="mean",
                scores=(best,),
            ),
        ),
        smoke=SmokeTest(
            command="python train.py",
            exit_code=0,
            passed=True,
            detail=f"validation score {best.value:.6f} with seed 0",
            score=best.value,
            duration_s=12.25,
        ),
        gain=0.0187,
        verdict=verdict,
        status=status,
        merge_note="main was moved to it" if status == "merged" else "",
    )
    kind = "merge_request.merged" if status == "merged" else "merge_request.opened"
    opened.ledger.merge_requests.put(request, actor="merge_request", kind=kind)
    if status == "open":
        _gate(opened, ticket, "merge", {"merge_request": request.id}, None)
