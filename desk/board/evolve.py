"""The form that makes a loop's spec, checks it as one types, and starts the loop."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from desk.board.builder import Section, beneath, widget_of
from desk.board.pages import BoardLab, Viewer, page
from desk.views.ticket_text import ticket_text
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.ticket_file import MOST_BYTES
from labcrew.ticket_shape import Field, fields

router = APIRouter(include_in_schema=False)

_LONG = ("question", "program.command", "scorer.command")
_OPTIONAL = ("program.model",)
# Title; what stands in it, where "table." is all of a table's fields; whether one has to open it.
_SECTIONS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("What and where", ("title", "question", "repository", "commit", "branch"), False),
    ("What may change", ("editable", "protected", "components"), False),
    ("How the program is run", ("program.command", "program.timeout_s"), False),
    ("How it is judged", ("scorer.command", "scorer.private", "cases"), False),
    ("Metric", ("metric.",), False),
    ("Budget", ("budget.", "patience"), False),
    ("A language model for the program", ("program.model.",), True),
    ("Limits of a run", ("program.",), True),
    ("Limits of the scorer", ("scorer.",), True),
    ("When a change is kept", ("keep.",), True),
    ("Environment", ("environment.",), True),
    ("Proposers", ("proposers",), True),
)
_CONTROLS = (
    ("random_search", "blind changes of the program as it was"),
    ("always_keep", "every change is kept"),
    ("no_memory", "proposers see no history"),
)


@router.get("/evolve")
def evolve(
    request: Request,
    caller: Viewer,
    lab: BoardLab,
    like: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """The form; with `like` the file of a loop to begin with."""
    text = ""
    if like:
        earlier = lab.ledger.evolutions.get(like)
        where = {"repository": earlier.repository, "commit": "HEAD"}
        text = ticket_text(earlier.spec.model_copy(update=where))
    return page(
        request,
        "evolve.html",
        caller,
        sections=sections(lab.evolutions.proposers),
        controls=_CONTROLS,
        text=text,
        like=like,
        most=MOST_BYTES,
    )


def sections(proposers: Sequence[str]) -> tuple[Section, ...]:
    """The whole form, from the spec's own description of itself; each field stands once.

    Args:
        proposers: the names that are known here.
    """
    every = {field.path: field for field in fields(EvolutionSpec)}
    placed: set[str] = set()
    made = []
    for number, (title, names, folded) in enumerate(_SECTIONS):
        paths = [p for name in names for p in _paths(every, name) if p not in placed]
        placed.update(paths)
        about = ""
        if names == ("proposers",):
            about = f"Known here: {', '.join(proposers)}."
        elif names[0] in ("metric.", "keep.", "environment.", "program.model."):
            about = every[names[0][:-1]].about
        made.append(
            Section(
                id=f"spec-{number}",
                title=title,
                about=about,
                widgets=tuple(widget_of(every[path], _LONG, _OPTIONAL) for path in paths),
                folded=folded,
            )
        )
    return tuple(made)


def _paths(every: dict[str, Field], name: str) -> tuple[str, ...]:
    return tuple(beneath(every, name[:-1])) if name.endswith(".") else (name,)
