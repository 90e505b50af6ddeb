"""Tool that runs a command in the code container, without a network."""

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.sandbox import RunResult
from labcrew.domain.ticket import AssignedTicket
from labcrew.varying import steady
from tools.programming.changes import changed_files
from tools.programming.container import run_inside
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench

_TROUBLE = 4000
_MARK = "/tmp/.labcrew-mark"  # noqa: S108 - in the container
# Files of the same instant are not newer: let the clock's grain pass.
_RUN = f'touch {_MARK}; sleep 0.02 2>/dev/null; exec sh -c "$1"'
_TOUCHED = (
    f"find . -newer {_MARK} -type f -not -path './.git/*' -not -name '*.pyc'"
    " -not -path '*/.pytest_cache/*' 2>/dev/null | head -n 21"
)


class RunCommand(Model):
    """Runs a shell line at the root of the repository."""

    command: str = Field(min_length=1, max_length=10_000, description="run by `sh -c`")
    timeout_s: float = Field(default=120, gt=0, le=3600, description="seconds until it is ended")


class CommandRun(Told):
    """How a command ended."""

    exit_code: int
    timed_out: bool = False
    duration_s: float = 0
    touched: tuple[str, ...] = Field(default=(), description="files that it wrote, at most 20")


def _run(call: RunCommand, assigned: AssignedTicket, bench: Workbench) -> CommandRun:
    done = run_inside(
        assigned, bench, ("sh", "-c", _RUN, "sh", call.command), timeout_s=call.timeout_s
    )
    found = run_inside(assigned, bench, ("sh", "-c", _TOUCHED), timeout_s=30)
    changed = changed_files(bench.ledger, assigned)
    touched = tuple(
        path
        for line in found.stdout.splitlines()
        if (path := line.removeprefix("./").strip()) and path not in changed
    )
    return told(call, done, touched)


def told(call: RunCommand, done: RunResult, touched: tuple[str, ...] = ()) -> CommandRun:
    """How a command's end reads.

    Args:
        touched: files that it wrote.
    """
    ended = (
        f"It was ended after {call.timeout_s:g} s."
        if done.timed_out
        else f"Exit code {done.exit_code} after {done.duration_s:.1f} s."
    )
    said = [
        f"{name}:\n{shown(text.rstrip(), 8000)}"
        for name, text in (("stdout", done.stdout), ("stderr", done.stderr))
        if text.strip()
    ]
    parts = [ended, *said]
    if touched:
        parts.append(
            f"Files that it wrote: {', '.join(touched[:20])}{' …' if len(touched) > 20 else ''}."
            " They are no part of the change: use the editing tools for what should be."
        )
    failed = done.timed_out or done.exit_code != 0
    trouble = steady("\n".join([call.command, f"exit code {done.exit_code}", *said]))
    return CommandRun(
        text=shown("\n".join(parts), 20_000),
        trouble=shown(trouble, _TROUBLE) if failed else "",
        exit_code=done.exit_code,
        timed_out=done.timed_out,
        duration_s=done.duration_s,
        touched=touched[:20],
    )


run_command = Tool("run_command", RunCommand, _run)
