"""The tool that looks at a trial's checkpoints, in a sandbox: nothing of them is loaded."""

import json

from pydantic import Field, ValidationError

from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.monitoring import Checkpoint
from labcrew.domain.sandbox import Limits, ReadOnlyInput, SandboxSpec
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from labcrew.plain_text import HALVES, ODD
from tools.profile_data import PYTHON, check_run
from tools.toolbox import Tool, Workbench
from tools.trial_spec import CHECKPOINTS

SCRIPT = "/opt/labcrew/inside/inspect_checkpoints.py"
_OUTPUTS = "/outputs"
_LIMITS = Limits(cpus=1, memory_mb=3072, pids=64, timeout_s=300, output_mb=8)


class InspectCheckpoints(Model):
    """Looks at the checkpoints that a trial left."""

    trial: str


class Inspected(Model):
    """A trial's checkpoints; none where it left none."""

    checkpoints: tuple[Checkpoint, ...] = Field(default=(), max_length=2000)


def parse_inspected(stdout: str, files: list[str]) -> Inspected:
    """The program's answer, held against what lies there: no other files, none twice.

    Args:
        files: the paths of the stored outputs.

    Raises ToolError for any other shape.
    """
    try:
        found = Inspected.model_validate(json.loads(stdout))
    except (ValidationError, ValueError, RecursionError) as error:
        raise _unusable(type(error).__name__) from None
    there = {*files, *(folder for path in files for folder in _folders(path))}
    paths = [one.path for one in found.checkpoints]
    if not set(paths) <= there or len(set(paths)) != len(paths):
        raise _unusable("it speaks of other files")
    return Inspected(
        checkpoints=tuple(
            one.model_copy(update={"trouble": HALVES.sub("\ufffd", ODD.sub("", one.trouble))})
            for one in found.checkpoints
        )
    )


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]


def _unusable(reason: str) -> ToolError:
    return ToolError(f"The checkpoints were looked at, but what came out is not usable ({reason}).")


def _run(call: InspectCheckpoints, assigned: AssignedTicket, bench: Workbench) -> Inspected:
    folder = bench.home.outputs(assigned.id, call.trial)
    files = beneath.paths(folder)  # a link among them is refused here
    if not files:
        return Inspected()
    result = bench.sandboxes.run(
        SandboxSpec(
            name=f"{call.trial}-checkpoints".lower(),
            purpose="tools",
            ticket=assigned.id,
            trial=call.trial,
            image=bench.base_image,
            command=(
                PYTHON,
                SCRIPT,
                _OUTPUTS,
                assigned.ticket.supervision.checkpoints or CHECKPOINTS,
            ),
            inputs=(ReadOnlyInput(source=folder, target=_OUTPUTS),),
            limits=_LIMITS,
        )
    )
    check_run(result, "Looking at the checkpoints", _LIMITS)
    return parse_inspected(result.stdout, files)


inspect_checkpoints: Tool[InspectCheckpoints, Inspected] = Tool(
    "inspect_checkpoints", InspectCheckpoints, _run
)
