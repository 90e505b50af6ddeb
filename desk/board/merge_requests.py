"""Merge requests: the list, the review of one, and each file of its change."""

from itertools import islice
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.board.markdown import rendered
from desk.board.pages import BoardLab, Viewer, page
from desk.views.colours import is_code
from desk.views.diffs import Comparison
from desk.views.merge_requests import Review, review_of
from desk.web.lab import Lab
from labcrew.domain.repository import ChangedFile
from labcrew.errors import LabcrewError

router = APIRouter(prefix="/merge-requests", include_in_schema=False)
_SHOWN = 50
_MOST_FILES = 500
_SMALL = {True: 400, False: 40}  # changed lines of code, of others, that are shown unasked
_MOST_OPEN = 30
Status = Literal["open", "merged", "closed", "superseded"]
_STATES: tuple[Status, ...] = get_args(Status)


@router.get("")
def merge_requests(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    status: Status | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """All merge requests, newest first."""
    rows = lab.ledger.merge_requests.page(status=status, before=before, limit=_SHOWN)
    return page(
        request,
        "merge_requests.html",
        caller,
        requests=[found for _, found in rows],
        status=status,
        states=_STATES,
        next=rows[-1][0] if len(rows) == _SHOWN else None,
        first=before is None,
    )


@router.get("/{id}")
def merge_request(
    request: Request, caller: Viewer, lab: BoardLab, id: str, since: str | None = None
) -> HTMLResponse:
    """One merge request, to be read, verified, commented on and decided."""
    found = review_of(lab.ledger, lab.office.merge_request(id), since)
    files, trouble = _files(_compared(lab, found))
    return page(
        request,
        "merge_request.html",
        caller,
        review=found,
        description=rendered(found.request.description),
        files=files[:_MOST_FILES],
        left_out=max(0, len(files) - _MOST_FILES),
        trouble=trouble,
        insertions=sum(file.insertions or 0 for file in files),
        deletions=sum(file.deletions or 0 for file in files),
        opened=_opened(files),
    )


@router.get("/{id}/file")
def file(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    id: str,
    path: Annotated[str, Query(max_length=4096)],
    since: str | None = None,
) -> HTMLResponse:
    """One file of the change, side by side; asked for when it is looked at."""
    found = review_of(lab.ledger, lab.office.merge_request(id), since)
    return page(
        request,
        "merge_request_file.html",
        caller,
        review=found,
        difference=_compared(lab, found).file(path),
        remarks=found.at_lines(path),
        may_comment=found.request.status == "open" and caller.may("researcher"),
    )


def _opened(files: tuple[ChangedFile, ...]) -> frozenset[str]:
    """The files that are shown without being asked for: code, and what is short."""
    small = (
        file.path
        for file in files
        if (file.insertions or 0) + (file.deletions or 0) <= _SMALL[is_code(file.path)]
    )
    return frozenset(islice(small, _MOST_OPEN))


def _compared(lab: Lab, review: Review) -> Comparison:
    request = review.request
    return Comparison(lab.office.repositories, request.ticket, review.base, request.commit)


def _files(compared: Comparison) -> tuple[tuple[ChangedFile, ...], str]:
    """The files of a change, or why they can't be shown: the rest of the page stands without."""
    try:
        return compared.files(), ""
    except LabcrewError as error:
        return (), error.message
