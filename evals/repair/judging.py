"""The judge: the task's tests on the proposed files, in a fresh sandbox; nobody's word counts."""

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
    names = (*task.fail_to_pass, *task.pass_to_pass)
    failing = names
    if changed:
        report = run_afresh(bench, assigned, files, names)
        failing = tuple(name for name in names if not report.passed(name))
    return Attempt(
        task=task.name,
        half=task.half,
        difficulty=task.difficulty,
        arm=arm,
        model=model,
        seed=seed,
        solved=changed and not failing,
        changed=changed,
        failing=failing,
        steps=proposal.steps,
        tokens=proposal.tokens,
        seconds=round(proposal.seconds, 3),
        ended=proposal.ended,
    )
