"""How values are written on pages: moments, durations, numbers, and who did something."""

from datetime import UTC, datetime
from typing import get_args

from markupsafe import Markup, escape

from desk.commissions import place
from desk.wording import dollars
from labcrew.domain.base import Model
from labcrew.domain.research import AgentName
from sandboxes.text import clean

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""
_NAMES = {
    "coordinator": ("Coordinator", "Co"),
    "literature_review": ("Literature review", "Li"),
    "data_pipeline": ("Data pipeline", "Da"),
    "experiment_launcher": ("Experiment launcher", "Ex"),
    "log_monitor": ("Log monitor", "Mo"),
    "merge_request": ("Merge request", "MR"),
    "programming": ("Programmer", "Pr"),
    "programmer": ("Programmer", "Pr"),
    "worker": ("Worker", "Wo"),
    "rule": ("Rule", "Ru"),
}


_MOST = 20_000


def shown(value: object) -> object:
    """What stands in a page for a value: text without control and direction characters, capped."""
    if type(value) is not str:
        return value
    if len(value) <= _MOST:
        return clean(value)
    return f"{clean(value[:_MOST])} … ({len(value) - _MOST:,} more characters)"


def whole(value: str) -> Markup:
    """A text that a person edits, cleaned and escaped but not capped."""
    return escape(clean(value))


def clip(value: str, most: int) -> str:
    """A text in one line of at most so many characters."""
    line = " ".join(clean(value[: 4 * most + 1000]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


class Who(Model):
    """Someone as a page shows them.

    Args:
        role: for their colours; "person" for people.
        name: in words.
        mark: two letters.
    """

    role: str
    name: str
    mark: str

    @property
    def drawn(self) -> bool:
        """Whether they have a sign of their own, in static/crew.svg."""
        return self.role in get_args(AgentName)


def who(actor: str) -> Who:
    """An event's actor as people read it."""
    if actor.startswith("person:"):
        name = actor.removeprefix("person:")
        return Who(role="person", name=name, mark=name[:2].title())
    if actor in _NAMES:
        name, mark = _NAMES[actor]
        return Who(role=actor, name=name, mark=mark)
    words = actor.replace("_", " ")
    return Who(role="other", name=words[:1].upper() + words[1:], mark=words[:2].title())


def _at(value: datetime | str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def iso(value: datetime | str) -> str:
    """A moment as programs read it; text that is none stays as it is."""
    at = _at(value)
    return str(value) if at is None else at.astimezone(UTC).isoformat(timespec="seconds")


def moment(value: datetime | str) -> str:
    """A moment as people read it, in UTC."""
    at = _at(value)
    return str(value) if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float | None) -> str:
    """A span of time in its largest two units."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit} {rest} {name}" if rest else f"{whole // size} {unit}"
    rest = whole % 60
    return f"{whole // 60} min {rest} s" if rest else f"{whole // 60} min"


def number(value: float | None) -> str:
    """A measured number with at most six digits."""
    return NOTHING if value is None else f"{value:.6g}"


def count(value: float) -> str:
    """A whole number with its thousands apart, short above a hundred thousand."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g} M"
    return f"{value / 1000:.0f} k" if value >= 100_000 else f"{value:,.0f}"


FILTERS = {
    "whole": whole,
    "clip": clip,
    "who": who,
    "iso": iso,
    "moment": moment,
    "duration": duration,
    "number": number,
    "dollars": dollars,
    "count": count,
    "place": place,
}
