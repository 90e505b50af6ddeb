"""The ticket's code container: the base commit with the change so far, where commands are tried.

It is started from the prepared image, before that from the base image, and made again whenever it
is lost. Before each use the change's files are written into it, so that it never lags behind.
"""

from contextlib import suppress

from labcrew.domain.sandbox import Limits, RunResult, Sandboxes, SandboxSpec, WorkspaceSource
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EngineError, EngineUnavailable, OutcomeUnknown, RunnerLost, ToolError
from tools.facts import prepared_image
from tools.programming.changes import changed_files, overlay
from tools.toolbox import Workbench
from tools.trial_spec import data_inputs, data_variables, hidden_paths

_LIFE_S = 7 * 24 * 3600
_LEAST_MEMORY_MB = 1024


def code_image(bench: Workbench, assigned: AssignedTicket) -> str:
    """The image with the ticket's software; the base image until it is prepared."""
    return prepared_image(bench.ledger, assigned.id) or bench.base_image


def code_workspace(
    assigned: AssignedTicket, files: dict[str, str], commit: str | None = None
) -> WorkspaceSource:
    """A workspace of the base commit with files over it, without what no trial may see.

    Args:
        files: path → text; the tests that the ticket brings are laid over them.
        commit: another commit than the base.
    """
    brought = assigned.ticket.tests.files if assigned.ticket.tests is not None else {}
    return WorkspaceSource(
        repository=assigned.id,
        commit=commit or assigned.base_commit,
        without=hidden_paths(assigned),
        overlay=overlay({**files, **brought}),
    )


def code_limits(assigned: AssignedTicket, timeout_s: float) -> Limits:
    """The bounds of a container that runs the ticket's code."""
    budget = assigned.budget
    return Limits(
        cpus=budget.cpus,
        memory_mb=max(budget.memory_mb, _LEAST_MEMORY_MB),
        timeout_s=timeout_s,
        workspace_mb=budget.disk_mb,
    )


def code_variables(assigned: AssignedTicket) -> dict[str, str]:
    """The environment variables that code runs with."""
    return {
        "PYTHONUNBUFFERED": "1",
        # A file that is written anew may keep its size and date: a cache would be stale.
        "PYTHONDONTWRITEBYTECODE": "1",
        **data_variables(assigned),
        **assigned.ticket.run.environment,
    }


def code_container(assigned: AssignedTicket, bench: Workbench) -> str:
    """The name of the code container, running, with the change as it stands.

    Raises EngineUnavailable, EngineError, OutcomeUnknown, StorageFull.
    """
    image = code_image(bench, assigned)
    files = changed_files(bench.ledger, assigned)
    spec = SandboxSpec(
        name=_name(assigned.id, prepared=image != bench.base_image),
        purpose="tools",
        ticket=assigned.id,
        image=image,
        environment=code_variables(assigned),
        workspace=code_workspace(assigned, files),
        inputs=data_inputs(assigned, {})[0],
        limits=code_limits(assigned, _LIFE_S),
    )
    bench.sandboxes.start(spec)
    assert spec.workspace is not None
    if spec.workspace.overlay:
        try:
            bench.sandboxes.write_files(spec.name, spec.workspace.overlay)
        except (EngineUnavailable, OutcomeUnknown):
            raise
        except EngineError:  # a command left something in a file's place
            bench.sandboxes.remove(spec.name)
            bench.sandboxes.start(spec)
    return spec.name


def run_inside(
    assigned: AssignedTicket,
    bench: Workbench,
    command: tuple[str, ...],
    *,
    stdin: bytes = b"",
    timeout_s: float = 60,
) -> RunResult:
    """Runs a command in the code container.

    Raises ToolError where the container was lost under it: it is made again at the next call.
    """
    name = code_container(assigned, bench)
    try:
        return bench.sandboxes.exec(name, command, stdin=stdin, timeout_s=timeout_s)
    except RunnerLost as error:
        with suppress(EngineError):
            bench.sandboxes.remove(name)
        raise ToolError(
            "The container was lost while the command ran (it may have ended every process, or"
            " filled the memory).",
            "It is made again with the change at the next call; what commands wrote there is gone.",
        ) from error


def put_code_away(ticket: str, sandboxes: Sandboxes) -> None:
    """Removes the ticket's code containers, if it has any; the next call makes another."""
    known = {status.name for status in sandboxes.list(ticket)}
    for prepared in (False, True):
        if (name := _name(ticket, prepared=prepared)) in known:
            sandboxes.remove(name)


def _name(ticket: str, *, prepared: bool) -> str:
    return f"{ticket}-{'code' if prepared else 'reading'}".lower()
