"""Tool that scores a trial's outputs: the base commit's evaluator in a container of its own."""

import json
import math
from pathlib import Path
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.experiment import Score
from labcrew.domain.measuring import Evaluator
from labcrew.domain.sandbox import Limits, OverlayFile, ReadOnlyInput, SandboxSpec, WorkspaceSource
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EvidenceError, ToolError
from tools.stored_outputs import outputs_hash, stored_outputs
from tools.toolbox import Tool, Workbench
from tools.trial_spec import data_inputs, data_variables

_OUTPUTS = "/outputs"


class EvaluateOutputs(Model):
    """Scores what a run left."""

    subject: str = Field(description="the trial's id, or the smoke test's")
    folder: Path = Field(description="its collected outputs on the host")
    expected_sha256: str = Field(description="their hash when they were collected")
    split: Literal["validation", "holdout"]
    seed: int
    commit: str
    image: str
    data_sha256: str
    container: str = Field(description="unique name of the evaluation's container")


def evaluator_hash(assigned: AssignedTicket) -> str:
    """What the judge is: its command, its private files' names, the commit they come from, and
    the files that are laid over it.
    """
    evaluator = assigned.ticket.evaluator
    if evaluator is None:
        return ""
    parts = [evaluator.command, list(evaluator.private), assigned.base_commit]
    return content_hash([*parts, evaluator.files] if evaluator.files else parts)


def _value(assigned: AssignedTicket, evaluator: Evaluator, split: str, stdout: str) -> float:
    name = assigned.ticket.metric.name
    lines = [line for line in stdout.splitlines() if line.strip()]
    try:
        answer = json.loads(lines[-1])
        value = float(answer[name])
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        last = lines[-1][:200] if lines else "nothing"
        raise ToolError(
            f"the evaluator `{evaluator.command}` on split {split} ended well, but its last line is"
            f" not a JSON object with a number {name!r}; it printed: {last}",
            f'Let it print, e.g., {{"{name}": 0.5}} as its last line.',
        ) from None
    if not math.isfinite(value):
        raise ToolError(f"the evaluator's {name} on split {split} is {value}, not a finite number.")
    return value


def _evaluate(call: EvaluateOutputs, assigned: AssignedTicket, bench: Workbench) -> Score:
    evaluator = assigned.ticket.evaluator
    if evaluator is None:
        raise ToolError("the ticket has no evaluator.")
    found = outputs_hash(stored_outputs(call.folder))
    if found != call.expected_sha256:
        raise EvidenceError(
            f"the stored outputs of {call.subject} changed since they were collected"
            f" ({call.folder}).",
            "Restore them from a backup; a score can't rest on them.",
        )
    inputs, overlay = data_inputs(assigned, {}, private=True)
    laid_over = tuple(
        OverlayFile(path=path, content=text.encode()) for path, text in evaluator.files.items()
    )
    command = evaluator.command.replace("{outputs}", _OUTPUTS).replace("{split}", call.split)
    result = bench.sandboxes.run(
        SandboxSpec(
            name=call.container,
            purpose="evaluate",
            ticket=assigned.id,
            image=call.image,
            command=("sh", "-c", command),
            environment={"PYTHONDONTWRITEBYTECODE": "1"} | data_variables(assigned),
            workspace=WorkspaceSource(
                repository=assigned.id, commit=assigned.base_commit, overlay=(*overlay, *laid_over)
            ),
            inputs=(*inputs, ReadOnlyInput(source=call.folder, target=_OUTPUTS)),
            limits=Limits(
                cpus=assigned.budget.cpus,
                memory_mb=assigned.budget.memory_mb,
                timeout_s=evaluator.timeout_s,
                workspace_mb=assigned.budget.disk_mb,
            ),
        )
    )
    if result.timed_out:
        raise ToolError(f"the evaluator took longer than {evaluator.timeout_s:g} s.")
    if result.exit_code != 0:
        told = (result.stderr.strip() or result.stdout.strip())[-600:]
        raise ToolError(f"the evaluator refused {call.subject} (exit {result.exit_code}): {told}")
    return Score(
        value=_value(assigned, evaluator, call.split, result.stdout),
        split=call.split,
        source="evaluator",
        trial=call.subject,
        commit=call.commit,
        data_sha256=call.data_sha256,
        outputs_sha256=call.expected_sha256,
        seed=call.seed,
        image_digest=bench.sandboxes.image_digest(call.image),
        evaluator_sha256=evaluator_hash(assigned),
    )


evaluate_outputs = Tool("evaluate_outputs", EvaluateOutputs, _evaluate)
