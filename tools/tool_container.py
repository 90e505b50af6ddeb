"""A ticket's one tool container: the short calls of its agents run there, each in a process of its
own. What must not be touched by an earlier call (a score, a smoke test, the reading of untrusted
files) has a fresh container of its own instead.
"""

from labcrew.domain.commission import Commission
from labcrew.domain.sandbox import Limits, Sandboxes, SandboxSpec
from tools.toolbox import Workbench

_LIMITS = Limits(memory_mb=1024, pids=256, timeout_s=7 * 24 * 3600)


def tool_container(assigned: Commission, bench: Workbench) -> str:
    """The name of the ticket's tool container, started now unless it runs.

    Raises EngineUnavailable, EngineError, OutcomeUnknown, StorageFull.
    """
    name = _name(assigned.id)
    bench.sandboxes.start(
        SandboxSpec(
            name=name,
            purpose="tools",
            ticket=assigned.id,
            image=bench.base_image,
            limits=_LIMITS,
        )
    )
    return name


def put_away(ticket: str, sandboxes: Sandboxes) -> None:
    """Removes the ticket's tool container, with everything in it; the next call makes another."""
    sandboxes.remove(_name(ticket))


def _name(ticket: str) -> str:
    return f"{ticket}-tools".lower()
