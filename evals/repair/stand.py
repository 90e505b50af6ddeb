"""A task as a ticket on a repository of its own, with its software installed once."""

import subprocess
from pathlib import Path

from agents.coordinator import forecast
from evals.lab import take
from evals.repair.attempt import STEPS
from evals.repair.catalogue import Task
from labcrew.domain.experiment import Plan
from labcrew.domain.ticket import AssignedTicket, Ticket
from tools.facts import environment_effect
from tools.toolbox import Workbench
from tools.trial_spec import environment_plan


def assigned_task(
    bench: Workbench, task: Task, folder: Path, *, id: str, steps: int = STEPS
) -> AssignedTicket:
    """The task assigned: a repository with one commit, and a ticket of kind fix.

    Args:
        folder: where the repository is made.
        id: the ticket's, unique in the home.
        steps: answers of a model that may be acted on.

    Raises RepositoryError.
    """
    root = folder / task.name
    for path, text in task.files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    committed(root, "The program as it is")
    ticket = Ticket.model_validate(
        {
            "title": task.title,
            "question": task.question,
            "kind": "fix",
            "repository": task.name,
            "editable": sorted(task.files),
            "environment": {"packages": ["pytest", *task.packages], "alone": True},
            "tests": {
                "fail_to_pass": task.fail_to_pass,
                "pass_to_pass": task.pass_to_pass,
                "files": task.tests,
                "timeout_s": 60,
            },
            "budget": {"steps": steps, "memory_mb": 512},
            "literature": {"online": False},
        }
    )
    assigned = take(bench, ticket, folder, id)
    bench.ledger.tickets.put(assigned, actor="person:eval", kind="ticket.assigned")
    return assigned


def committed(root: Path, message: str) -> None:
    """Makes a repository of a folder, with all its files in one commit on main."""
    for command in (
        ["init", "--quiet", "--template=", "--initial-branch=main"],
        ["add", "--all"],
        [
            "-c", "user.name=eval", "-c", "user.email=eval@localhost",
            "commit", "--quiet", "--message", message,
        ],
    ):  # fmt: skip
        subprocess.run(["git", *command], cwd=root, check=True, capture_output=True)


def prepare(bench: Workbench, assigned: AssignedTicket) -> None:
    """Installs the task's software, for ways that don't go through the ticket machine."""
    wanted = environment_plan(bench.environments, assigned)
    image = bench.environments.ensure(wanted, approved=True)
    plan = Plan(
        id=f"{assigned.id}-P0.0",
        ticket=assigned.id,
        revision=0,
        summary="",
        steps=("repair",),
        suggestions=(),
        quarantine=(),
        environment=wanted.description,
        environment_key=wanted.key,
        forecast=forecast(assigned, None),
        by="rule",
    )
    bench.ledger.plans.put(plan, actor="person:eval", kind="plan.written")
    key = environment_effect(assigned.id, plan)
    bench.ledger.intend(key, assigned.id, {"key": wanted.key})
    bench.ledger.done(key, {"image": image})
