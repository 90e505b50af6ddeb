"""The judge: the task's tests on the proposed files, in a fresh sandbox; nobody's word counts."""

from collections.abc import Mapping

from evals.repair.attempt import Arm, Attempt, Proposal
from evals.repair.catalogue import Task
from labcrew.domain.ticket import AssignedTicket
from tools.programming.testing import run_afresh
from tools.toolbox import Workbench


def judged(
    bench: Workbench,
    assigned: AssignedTicket,
    task: Task,
    proposal: Proposal,
    *,
    arm: Arm,
    model: str,
    seed: int,
) -> Attempt:
    """Runs the tests on a proposal. Only files of the task's repository are taken over.

    Raises EngineError, ToolError.
    """
    files = {path: text for path, text in proposal.files.items() if path in task.files}
    changed = any(task.files[path] != text for path, text in files.items())
    left = (*task.fail_to_pass, *task.pass_to_pass)
    if changed:
        left = failing(bench, assigned, task, files)
    return Attempt(
        task=task.name,
        half=task.half,
        difficulty=task.difficulty,
        arm=arm,
        model=model,
        seed=seed,
        solved=changed and not left,
        changed=changed,
        failing=left,
        steps=proposal.steps,
        tokens=proposal.tokens,
        seconds=round(proposal.seconds, 3),
        ended=proposal.ended,
    )


def failing(
    bench: Workbench, assigned: AssignedTicket, task: Task, files: Mapping[str, str]
) -> tuple[str, ...]:
    """The tests that don't pass on files, run in a fresh sandbox. Raises EngineError, ToolError."""
    names = (*task.fail_to_pass, *task.pass_to_pass)
    report = run_afresh(bench, assigned, dict(files), names)
    return tuple(name for name in names if not report.passed(name))
