"""The form that makes a ticket's file, checks it as one types, and assigns it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.board.builder import Section, beneath, widget_of
from desk.board.pages import BoardLab, Viewer, page
from desk.views.ticket_text import ticket_text
from labcrew.ticket_file import MOST_BYTES
from labcrew.ticket_shape import fields

router = APIRouter(include_in_schema=False)

_FIRST = ("title", "question", "kind", "repository", "commit", "branch", "snapshot")
_MORE = ("seeds", "holdout_seeds", "editable", "hosts", "outputs")
_LONG = ("question", "run.command", "evaluator.command", "tests.command")
_SECTIONS: tuple[tuple[str, str, bool], ...] = (
    ("metric", "Metric", False),
    ("run", "How it is run", False),
    ("search_space", "What may change: the search space", False),
    ("settings", "How settings reach the program", True),
    ("evaluator", "Evaluator", True),
    ("data", "Data", True),
    ("budget", "Budget", False),
    ("more", "Seeds, paths and hosts", True),
    ("tests", "Tests, for code tickets", True),
    ("environment", "Environment", True),
    ("literature", "Literature", True),
    ("supervision", "Supervision", True),
    ("gates", "Gates", True),
)
_DRAFTED = ("doubts",)
"""What only a draft of labcrew's own writes."""


@router.get("/assign")
def assign(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    like: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """The form; with `like` the file of a ticket to begin with."""
    text = ""
    if like:
        earlier = lab.ledger.tickets.get(like)
        text = ticket_text(
            earlier.ticket.model_copy(update={"repository": earlier.repository, "commit": "HEAD"})
        )
    return page(
        request,
        "assign.html",
        caller,
        sections=sections(),
        text=text,
        like=like,
        most=MOST_BYTES,
    )


def sections() -> tuple[Section, ...]:
    """The whole form, from the ticket's own description of itself."""
    every = {field.path: field for field in fields()}
    made = [
        Section(
            id="what",
            title="What and where",
            about="",
            widgets=tuple(widget_of(every[name], _LONG) for name in _FIRST),
            folded=False,
        )
    ]
    for name, title, folded in _SECTIONS:
        rows = name if name in ("search_space", "data") else ""
        about = every[name].about if name in every and not rows else ""
        paths = _MORE if name == "more" else [] if rows else list(beneath(every, name))
        made.append(
            Section(
                id=name,
                title=title,
                about=about,
                widgets=tuple(widget_of(every[path], _LONG) for path in paths),
                rows=rows,
                folded=folded,
            )
        )
    return tuple(made)
