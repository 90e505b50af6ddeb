"""Tickets, trials and scores as tests need them: valid, small, with any field changed."""

from typing import Any

from labcrew.domain.budget import Budget
from labcrew.domain.experiment import Forecast, Plan, Score, Trial, TrialResult
from labcrew.domain.search_space import Values
from labcrew.domain.ticket import AssignedTicket, Ticket

SPACE = {
    "lr": {"type": "float", "low": 1e-4, "high": 1.0, "log": True, "role": "learning_rate"},
    "batch": {"type": "choice", "choices": [8, 16, 32], "role": "batch_size"},
}


def make_ticket(**changes: Any) -> Ticket:
    fields: dict[str, Any] = {
        "title": "Better accuracy",
        "question": "Which settings are best?",
        "repository": "lab",
        "metric": {"name": "accuracy", "direction": "maximize", "file": "metrics.jsonl"},
        "run": {"command": "python train.py {settings} --seed {seed} --outputs {outputs}"},
        "search_space": SPACE,
        "editable": ["train.py"],
    }
    return Ticket.model_validate(fields | changes)


def make_assigned(**changes: Any) -> AssignedTicket:
    ticket = make_ticket(**changes)
    return AssignedTicket(
        id="T-0001",
        ticket=ticket,
        source="ticket.md",
        assigned_by="ada",
        assigned_at="2026-01-01T00:00:00+00:00",
        repository="/lab",
        base_commit="b" * 40,
        target_branch="main",
        budget=ticket.budget,
    )


def make_trial(number: int, value: float | None = None, **changes: Any) -> Trial:
    fields: dict[str, Any] = {
        "id": f"T-0001-{number:03d}",
        "ticket": "T-0001",
        "number": number,
        "kind": "search",
        "values": {"lr": 0.1, "batch": 8},
        "seed": 0,
        "data": "original",
        "memory_mb": 512,
        "status": "planned" if value is None else "scored",
    }
    made = Trial.model_validate(fields | changes)
    if value is None:
        return made
    score = make_score(value, trial=made.id, seed=made.seed)
    return made.model_copy(update={"score": score, "result": make_result()})


def make_result(**changes: Any) -> TrialResult:
    fields: dict[str, Any] = {
        "exit_code": 0,
        "reason": "it ran to its end",
        "duration_s": 2.0,
        "outputs_sha256": "o" * 64,
        "output_files": 1,
        "log_bytes": 10,
    }
    return TrialResult.model_validate(fields | changes)


def make_score(value: float, **changes: Any) -> Score:
    fields: dict[str, Any] = {
        "value": value,
        "split": "validation",
        "source": "evaluator",
        "trial": "T-0001-000",
        "commit": "b" * 40,
        "data_sha256": "d" * 64,
        "outputs_sha256": "o" * 64,
        "seed": 0,
        "image_digest": "sha256:1",
    }
    return Score.model_validate(fields | changes)


def make_plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "id": "T-0001-P0.0",
        "ticket": "T-0001",
        "revision": 0,
        "summary": "search",
        "steps": ("search",),
        "suggestions": (),
        "quarantine": (),
        "environment": "base",
        "environment_key": "k",
        "forecast": Forecast(trials=20, hours=1, cost_usd=0, basis="a guess"),
        "by": "rule",
    }
    return Plan.model_validate(fields | changes)


def failed(trial: Trial, reason: str = "loss is nan") -> Trial:
    result = make_result(exit_code=1, reason=reason)
    return trial.model_copy(update={"status": "failed", "result": result})


def scored(trial: Trial, value: float) -> Trial:
    score = make_score(value, trial=trial.id, seed=trial.seed)
    return trial.model_copy(update={"status": "scored", "score": score, "result": make_result()})


def budget(**changes: Any) -> Budget:
    return Budget.model_validate(changes)


def values(**given: Any) -> Values:
    return dict(given)
