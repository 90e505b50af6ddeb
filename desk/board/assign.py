"""The form that makes a ticket's file, checks it as one types, and assigns it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.board.pages import BoardLab, Viewer, page
from desk.views.ticket_text import ticket_text
from labcrew.domain.base import Model
from labcrew.ticket_file import MOST_BYTES
from labcrew.ticket_shape import Field, fields

router = APIRouter(include_in_schema=False)

Kind = Literal["text", "long", "number", "choice", "switch", "lines", "numbers", "pairs", "files"]


class Widget(Model):
    """How one field of a ticket is filled in.

    Args:
        kind: the sort of control; "pairs" is a line a name, "files" a path with a text.
        choices: of a choice; the first is taken where there is no default.
    """

    path: str
    label: str
    kind: Kind
    about: str
    type: str
    required: bool
    default: str
    choices: tuple[str, ...] = ()


class Section(Model):
    """Fields that belong together.

    Args:
        rows: a list of tables instead, each a row: "search_space" or "data".
        folded: whether one has to open it.
    """

    id: str
    title: str
    about: str
    widgets: tuple[Widget, ...] = ()
    rows: str = ""
    folded: bool = True


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
            widgets=tuple(_widget(every[name]) for name in _FIRST),
            folded=False,
        )
    ]
    for name, title, folded in _SECTIONS:
        rows = name if name in ("search_space", "data") else ""
        about = every[name].about if name in every and not rows else ""
        paths = _MORE if name == "more" else [] if rows else list(_beneath(every, name))
        made.append(
            Section(
                id=name,
                title=title,
                about=about,
                widgets=tuple(_widget(every[path]) for path in paths),
                rows=rows,
                folded=folded,
            )
        )
    return tuple(made)


def _beneath(every: dict[str, Field], name: str) -> Iterator[str]:
    for path, field in every.items():
        if path.startswith(f"{name}.") and field.type != "table":
            yield path


def _widget(field: Field) -> Widget:
    words = field.type.split(",")[0]
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    if field.path in _LONG:
        kind = "long"
    elif field.type.startswith("one of "):
        kind, choices = "choice", tuple(field.type.removeprefix("one of ").split(", "))
    elif words == "true or false":
        kind = "switch"
    elif words in ("number", "whole number"):
        kind = "number"
    elif words.startswith("list of whole number"):
        kind = "numbers"
    elif words.startswith("list of"):
        kind = "lines"
    elif words.startswith("table of name") and field.path.endswith(".files"):
        kind = "files"
    elif words.startswith("table of name"):
        kind = "pairs"
    return Widget(
        path=field.path,
        label=_label(field.path),
        kind=kind,
        about=field.about,
        type=field.type,
        required=field.required,
        default="" if field.default in ("none", '""', "[]", "{}") else field.default,
        choices=choices,
    )


_UNITS = {"_s": " (s)", "_mb": " (MiB)"}
_SPELT = {"Cpus": "CPUs", "Gpus": "GPUs", "Model usd": "Model USD", "Usd per hour": "USD per hour"}


def _label(path: str) -> str:
    name = path.split(".", 1)[-1] if path.count(".") > 1 else path.rpartition(".")[2]
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            name = name.removesuffix(suffix) + unit
    words = name.replace("_", " ").replace(".", ": ")
    words = words[:1].upper() + words[1:]
    return _SPELT.get(words, words)
