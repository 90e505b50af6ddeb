"""The tool that makes room in a running trial's workspace: old checkpoints go, nothing else."""

import inspect
import json

from pydantic import Field, ValidationError

from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from labcrew.plain_text import HALVES, ODD
from tools import checkpoint_tidying
from tools.toolbox import Tool, Workbench
from tools.trial_spec import WORKSPACE, checkpoint_folder, trial_container

_ANSWER_S = 30.0
# labcrew's own Python where the image was made from labcrew's, else the program's.
_SHELL = 'for p in /opt/labcrew/bin/python python3 python; do command -v "$p" >/dev/null && exec "$p" -I -c "$@"; done; exit 127'  # noqa: E501


class FreeSpace(Model):
    """Removes old checkpoints of a trial that runs."""

    trial: str
    since_step: int | None = Field(
        default=None,
        ge=0,
        description="the last step that was surely healthy: its checkpoint stays",
    )


class Freed(Model):
    """What became of it, as the container tells it."""

    freed_bytes: int = Field(default=0, ge=0)
    removed: tuple[str, ...] = Field(
        default=(), max_length=1000, description="names in the checkpoint folder: untrusted text"
    )


def _run(call: FreeSpace, assigned: AssignedTicket, bench: Workbench) -> Freed:
    """Nothing where the trial does not run: a restart has a workspace of its own."""
    container = trial_container(call.trial)
    if bench.sandboxes.status(container).state != "running":
        return Freed()
    step = "" if call.since_step is None else str(call.since_step)
    program = inspect.getsource(checkpoint_tidying)
    result = bench.sandboxes.exec_beside(
        container,
        ("sh", "-c", _SHELL, "sh", program, WORKSPACE, checkpoint_folder(assigned), step),
        timeout_s=_ANSWER_S,
    )
    if result.timed_out:
        raise ToolError(f"Making room in {call.trial} took more than {_ANSWER_S:g} s.")
    if result.exit_code == 127:
        raise ToolError(f"The image of {call.trial} has no Python to make room with.")
    return parse_freed(result.stdout, call.trial)


def parse_freed(stdout: str, trial: str) -> Freed:
    """What the program printed, its names cleaned. Raises ToolError for any other shape."""
    try:
        freed = Freed.model_validate(json.loads(stdout))
    except (ValidationError, ValueError, RecursionError) as error:
        raise ToolError(
            f"Room was to be made in {trial}, but what came out is not usable"
            f" ({type(error).__name__})."
        ) from None
    names = (HALVES.sub("\ufffd", ODD.sub("", name))[:255] for name in freed.removed)
    return freed.model_copy(update={"removed": tuple(names)})


free_space: Tool[FreeSpace, Freed] = Tool("free_space", FreeSpace, _run)
