"""A ticket's work held against the lab's rules: its plan, and the code that was written for it."""

from collections.abc import Mapping

from labcrew.domain.base import content_hash
from labcrew.domain.programming import Patch
from labcrew.domain.repository import Repositories
from labcrew.domain.research import Embedder
from labcrew.domain.skills import FileChange, RuleResult, Work
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, NotFound
from labcrew.policy_changes import commit_message
from labcrew.skills.adherence import adherence, write_down
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


def written_work(
    files: Mapping[str, str], assigned: AssignedTicket, repositories: Repositories
) -> Work:
    """A change beside what stood at the base commit, and the plan that it is measured by.

    Args:
        files: path → the whole text as it is now.
    """

    def before(path: str) -> str | None:
        try:
            raw = repositories.read(assigned.id, assigned.base_commit, path)
        except (NotFound, BoundaryError):
            return None  # a link, or too large to look at: each line counts as added
        return raw.decode("utf-8", errors="replace")

    changes = tuple(
        FileChange(path=path, before=before(path), after=text)
        for path, text in sorted(files.items())
    )
    update = {"files": changes, "message": commit_message(assigned)}
    return planned_work(assigned).model_copy(update=update)


def texts(patch: Patch) -> dict[str, str]:
    """Path → text of a patch's files."""
    return {file.path: file.content.decode("utf-8", errors="replace") for file in patch.files}


def kept_rules(
    assigned: AssignedTicket,
    bench: Workbench,
    embedder: Embedder,
    files: Mapping[str, str] | None = None,
) -> tuple[RuleResult, ...]:
    """Checks a ticket's plan, or code and plan, and writes what was found to the ledger.

    Code with a result that `blocks` is not ready.

    Args:
        files: path → the whole text as it is now; None: the plan alone.
    """
    if not bench.skills:
        return ()
    work = (
        planned_work(assigned)
        if files is None
        else written_work(files, assigned, bench.repositories)
    )
    relevant = House(bench.skills, embedder).chosen(assigned.ticket).relevant
    results = adherence(relevant, work)
    # What was changed after a check is another check.
    what = "plan" if files is None else "code"
    step = f"{what}/{content_hash(work if files is None else dict(files))[:12]}"
    write_down(bench.ledger, assigned.id, f"r{assigned.revision}/{step}", results)
    return results
