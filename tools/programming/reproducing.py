"""Tool that finds the smallest command which fails as a given one does."""

import time

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.logs.tracebacks import Failure, failure
from tools.programming.container import run_inside
from tools.programming.shrinking import same_failure, smallest
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench

_RUNS = 24
_LINES = 4000
_SHOWN_LINES = 25
# The tracebacks of pytest in Python's own words, so that they are read like all others.
_RUN = 'export PYTEST_ADDOPTS="$PYTEST_ADDOPTS --tb=native"; exec sh -c "$1"'


class SmallestReproduction(Model):
    """Looks for the smallest command that fails with the same traceback."""

    command: str = Field(min_length=1, max_length=10_000, description="one that fails")
    timeout_s: float = Field(default=300, gt=0, le=3600, description="seconds for the whole search")


class Reproduction(Told):
    """The smallest command that was found, and how it fails."""

    command: str
    error: str
    file: str = ""
    line: int = 0
    function: str = ""
    tried: int


def _reproduce(
    call: SmallestReproduction, assigned: AssignedTicket, bench: Workbench
) -> Reproduction:
    deadline = time.monotonic() + call.timeout_s
    code, output, took = _run(call.command, call.timeout_s, assigned, bench)
    if code == 0:
        raise ToolError("The command succeeds: there is nothing to reproduce.")
    failed = failure(output.splitlines()[-_LINES:])
    if failed is None:
        raise ToolError(
            f"The command fails (exit code {code}) without a traceback.",
            f"It ends with:\n{shown(output[-1500:])}",
        )
    known: dict[str, Failure] = {call.command: failed}

    def fails_alike(command: str) -> bool:
        # One that takes longer than the whole is no smaller one.
        left = min(deadline - time.monotonic(), 2 * took + 5)
        if left <= 0:
            return False
        code, output, _ = _run(command, left, assigned, bench)
        other = failure(output.splitlines()[-_LINES:]) if code else None
        if other is None or not same_failure(failed, other):
            return False
        known[command] = other
        return True

    found = smallest(call.command, output, failed, fails_alike, _RUNS)
    last = known[found.command]
    where = f"{last.file}:{last.line} in {last.function}" if last.file else "an unknown place"
    text = (
        f"The smallest command that fails alike, after {found.tried} others:\n{found.command}\n"
        f"{last.error}\nat {where}\n" + "\n".join(last.lines[-_SHOWN_LINES:])
    )
    return Reproduction(
        text=shown(text, 8000),
        command=found.command,
        error=shown(last.error, 500),
        file=shown(last.file, 500),
        line=last.line,
        function=shown(last.function, 200),
        tried=found.tried,
    )


def _run(
    command: str, timeout_s: float, assigned: AssignedTicket, bench: Workbench
) -> tuple[int, str, float]:
    done = run_inside(assigned, bench, ("sh", "-c", _RUN, "sh", command), timeout_s=timeout_s)
    code = done.exit_code or (1 if done.timed_out else 0)
    return code, f"{done.stdout}\n{done.stderr}", done.duration_s


smallest_reproduction = Tool("smallest_reproduction", SmallestReproduction, _reproduce)
