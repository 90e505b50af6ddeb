"""Merge requests: their change, their evidence, the remarks on them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from desk.api.common import (
    ACT,
    READ,
    After,
    AnyLab,
    Approver,
    Id,
    Most,
    Researcher,
    Viewer,
    problems,
)
from desk.api.once import OnceOnly
from desk.api.page import Before, Limit, Page
from desk.verifying import verification
from desk.views.diffs import Comparison, FileDifference
from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.repository import Change, ChangedFile
from labcrew.domain.review import Comment, MergeRequest, Verification
from labcrew.errors import Conflict, NotFound

router = APIRouter(prefix="/merge-requests", tags=["merge requests"])
_PLOT_BYTES = 8 << 20
PLOT_HEADERS = {
    # An SVG opened by itself is a document: it may draw, and nothing else.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=60",
}


class Remark(Model):
    """A remark on a merge request; with `path` and `line` it is on a line of a file."""

    text: str = Field(min_length=1, max_length=20_000)
    path: str = Field(default="", max_length=4096, description="a file of the change")
    line: int | None = Field(default=None, ge=1, le=2**31, description="a line of that file")


@router.get("", responses=problems())
def list_merge_requests(
    caller: Viewer,
    lab: AnyLab,
    status: Annotated[
        Literal["open", "merged", "closed", "superseded"] | None, Query(description="only those")
    ] = None,
    ticket: Annotated[str | None, Query(max_length=200, description="only this one's")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Page[MergeRequest]:
    """The merge requests, newest first."""
    rows = lab.ledger.merge_requests.page(status=status, ticket=ticket, before=before, limit=limit)
    return Page.of(rows, limit)


@router.get("/{id}", responses=READ)
def get_merge_request(caller: Viewer, lab: AnyLab, id: Id) -> MergeRequest:
    """One merge request, or a ticket's newest by the ticket's id."""
    return lab.office.merge_request(id)


@router.get("/{id}/diff", responses=READ)
def get_diff(caller: Viewer, lab: AnyLab, id: Id) -> Change:
    """What a merge request changes, as git writes it; a large one is cut."""
    found = lab.office.merge_request(id)
    return lab.office.repositories.change(found.ticket, found.base_commit, found.commit)


@router.get("/{id}/files", responses=READ)
def list_files(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    after: After = 0,
    limit: Most = 50,
) -> Page[ChangedFile]:
    """The files that a merge request changes."""
    found = lab.office.merge_request(id)
    files = lab.office.repositories.changed_files(found.ticket, found.base_commit, found.commit)
    rows = list(enumerate(files, start=1))[after : after + limit]
    return Page.of(rows, limit)


@router.get("/{id}/files/diff", responses=READ)
def get_file_diff(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    path: Annotated[str, Query(min_length=1, max_length=4096, description="one of the files'")],
) -> FileDifference:
    """How one file changes, side by side: hunks of numbered lines, with colours."""
    found = lab.office.merge_request(id)
    ends = (found.ticket, found.base_commit, found.commit)
    return Comparison(lab.office.repositories, *ends).file(path)


@router.get("/{id}/comments", responses=READ)
def list_comments(
    caller: Viewer, lab: AnyLab, id: Id, before: Before = None, limit: Limit = 50
) -> Page[Comment]:
    """The remarks on a merge request, newest first."""
    found = lab.office.merge_request(id)
    rows = lab.ledger.comments.page(parent=found.id, before=before, limit=limit)
    return Page.of(rows, limit)


@router.post("/{id}/comments", status_code=201, responses=ACT)
def comment(caller: Researcher, lab: AnyLab, once: OnceOnly, id: Id, remark: Remark) -> Comment:
    """Leave a remark; it becomes work when the merge request is sent back."""
    return once.answer(
        lambda: lab.office.comment(id, caller.name, remark.text, remark.path, remark.line),
        Comment,
    )


@router.post("/{id}/verify", responses=ACT)
def verify(
    caller: Researcher,
    lab: AnyLab,
    id: Id,
    rerun: Annotated[
        bool, Query(description="also run the winner again, in a sandbox: as long as it took")
    ] = False,
) -> Verification:
    """Recompute every number from the ledger and the stored outputs; changes nothing."""
    return verification(lab.opened, lab.office.merge_request(id), rerun=rerun)


@router.post("/{id}/merge", responses=ACT)
def finish_merge(caller: Approver, lab: AnyLab, id: Id) -> MergeRequest:
    """Merge what was approved while its branch was checked out; to approve, decide at the gate."""
    found = lab.office.merge_request(id)
    finished = lab.office.finish_merge(found, caller.name)
    if finished is None:
        raise Conflict(
            f"{found.id} is {found.status}, and no approved merge of it waits to be finished.",
            "Approve it at its gate.",
            status=found.status,
        )
    return finished


@router.get(
    "/{id}/plots/{name}",
    response_class=Response,
    responses={**READ, 200: {"content": {"image/svg+xml": {}}, "description": "The plot."}},
)
def get_plot(
    caller: Viewer,
    lab: AnyLab,
    id: Id,
    name: Annotated[str, Path(max_length=255, description="one of the merge request's `plots`")],
) -> Response:
    """A plot of a merge request."""
    found = lab.office.merge_request(id)
    if name not in found.plots:
        raise NotFound(f"{found.id} has no plot {name!r}.", f"It has: {', '.join(found.plots)}.")
    raw = beneath.read(lab.opened.home.artefacts(found.ticket), name, _PLOT_BYTES)
    return Response(raw, media_type="image/svg+xml", headers=PLOT_HEADERS)
