"""Tools that look at a change before it is called done: what it missed, and what it left."""

from collections.abc import Iterator

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.ticket import AssignedTicket
from labcrew.patterns import matches
from tools.programming.alike import alike
from tools.programming.base_files import base_texts
from tools.programming.changes import base_text, changed_files
from tools.programming.leftovers import left_over
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench

_SOURCES = (".py", ".pyi", ".pyx", ".ipynb", ".jl", ".r", ".sh", ".js", ".ts", ".c", ".cpp", ".cu")


class FindAlike(Model):
    """Looks for other places with a pattern that the change took out."""

    path: RepositoryPath = Field(default=".", description="a file or folder to look in")


class LeftBehind(Model):
    """Looks for what the change put in and is not done."""

    path: RepositoryPath = Field(default=".", description="a file or folder to look in")


class Places(Told):
    """Places in the code, each as path:line and what stands there."""

    places: tuple[str, ...]


class Undone(Places):
    """Places of the change that are not done.

    Args:
        doubtful: those that look so, and may be meant so.
    """

    doubtful: tuple[str, ...] = ()


def _find(call: FindAlike, assigned: AssignedTicket, bench: Workbench) -> Places:
    before, after = _before_and_after(assigned, bench)
    files = ((p, t) for p, t in _sources(assigned, bench, after) if matches(p, (call.path,)))
    places = alike(before, after, files)
    told = [f"{place}\n    like what you took out: {place.like}" for place in places]
    text = "\n".join(told) or "No other line looks like one that the change took out."
    return Places(text=shown(text), places=tuple(shown(str(place), 400) for place in places))


def _left(call: LeftBehind, assigned: AssignedTicket, bench: Workbench) -> Undone:
    before, after = _before_and_after(assigned, bench)
    asked = f"{assigned.ticket.title} {assigned.ticket.question}"
    found = [f for f in left_over(before, after, asked) if matches(f.path, (call.path,))]
    places = tuple(shown(str(leftover), 400) for leftover in found if leftover.certain)
    doubtful = tuple(shown(str(leftover), 400) for leftover in found if not leftover.certain)
    told = [*places, *(f"{place} (perhaps meant so)" for place in doubtful)]
    text = shown("\n".join(told) or "Nothing undone was found.")
    return Undone(text=text, places=places, doubtful=doubtful)


def _before_and_after(
    assigned: AssignedTicket, bench: Workbench
) -> tuple[dict[str, str], dict[str, str]]:
    after = changed_files(bench.ledger, assigned)
    before = {p: text for p in after if (text := base_text(bench, assigned, p)) is not None}
    return before, after


def _sources(
    assigned: AssignedTicket, bench: Workbench, changed: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The program's files as they are now."""
    yield from sorted(changed.items())
    yield from base_texts(
        bench,
        assigned,
        lambda path: path.lower().endswith(_SOURCES) and path not in changed,
    )


find_alike = Tool("find_alike", FindAlike, _find)
left_behind = Tool("left_behind", LeftBehind, _left)
