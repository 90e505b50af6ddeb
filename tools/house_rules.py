"""A ticket's work held against the lab's rules: its plan, and the code that was written for it."""

from labcrew.domain.programming import Patch
from labcrew.domain.repository import Repositories
from labcrew.domain.research import Embedder
from labcrew.domain.skills import RuleResult, Work
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, NotFound
from labcrew.policy_conditions import commit_message
from labcrew.skills.adherence import adherence, work_of, write_down
from labcrew.skills.house import House
from tools.toolbox import Workbench


def planned_work(assigned: AssignedTicket) -> Work:
    """What a ticket plans, as rules look at it."""
    ticket = assigned.ticket
    return Work(
        metric=ticket.metric.name if ticket.measured else None,
        seeds=len(ticket.seeds) if ticket.measured else None,
        budget=assigned.budget,
    )


def written_work(patch: Patch, assigned: AssignedTicket, repositories: Repositories) -> Work:
    """A patch beside what stood at the base commit, and the plan that it is measured by."""

    def before(path: str) -> str | None:
        try:
            raw = repositories.read(assigned.id, assigned.base_commit, path)
        except (NotFound, BoundaryError):
            return None  # a link, or too large to look at: each line counts as added
        return raw.decode("utf-8", errors="replace")

    written = work_of(patch, before, message=commit_message(assigned))
    planned = planned_work(assigned)
    return planned.model_copy(update={"files": written.files, "message": written.message})


def kept_rules(
    assigned: AssignedTicket, bench: Workbench, embedder: Embedder, patch: Patch | None = None
) -> tuple[RuleResult, ...]:
    """Checks a revision's plan, or its patch and plan, and writes what was found to the ledger.

    A patch with a result that `blocks` is not ready.

    Args:
        patch: as it stands; None: the plan alone.
    """
    if not bench.skills:
        return ()
    work = (
        planned_work(assigned)
        if patch is None
        else written_work(patch, assigned, bench.repositories)
    )
    relevant = House(bench.skills, embedder).chosen(assigned.ticket).relevant
    results = adherence(relevant, work)
    # Code that was changed after a check is another check.
    step = "plan" if patch is None else f"patch/{patch.code[:12]}"
    write_down(bench.ledger, assigned.id, f"r{assigned.revision}/{step}", results)
    return results
