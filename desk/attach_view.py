"""How supervision of outside runs looks: a table on a terminal, a line an event elsewhere."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from agents.monitoring.responses import ADVISORY
from desk.attached_run import AttachedRun
from labcrew.domain.experiment import Incident
from labcrew.domain.monitoring import Attachment
from sandboxes.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_MOST_NUMBERS = 3
_NEWEST = 8
_COUNTS = ("step", "epoch", "iter", "iteration", "global_step")


def said(word: str, value: dict[str, Any]) -> str:
    """What happened, in a line."""
    if word in ("incident", "action"):
        incident: Incident = value["incident"]
        return _one_line(_incident(incident) if word == "incident" else _action(incident))
    attached: Attachment = value["attachment"]
    if word == "attached":
        how = "; ".join(
            f"{name}: {command}"
            for name, command in (("stop", attached.stop), ("restart", attached.restart))
            if command
        )
        again = "goes on being supervised" if value["again"] else "is supervised"
        return _one_line(f"{attached.id}: {attached.what} {again}; {how or 'read-only'}")
    if word == "lost":
        return _one_line(f"{attached.id}: {value['because']}")
    lines = f"{attached.lines} lines" + f", {attached.unread} unread" * bool(attached.unread)
    return _one_line(f"{attached.id}: {attached.status}, {attached.outcome} ({lines})")


def _incident(incident: Incident) -> str:
    where = "" if incident.step is None else f" at step {incident.step}"
    return f"{incident.trial}: {incident.kind.replace('_', ' ')}{where}: {incident.diagnosis}"


def _action(incident: Incident) -> str:
    done = incident.intervention
    if done is None:
        return ""
    return f"{incident.trial}: {done.action.replace('_', ' ')}: {done.because}"


def table(runs: Sequence[AttachedRun], newest: Sequence[str]) -> "RenderableType":
    """All runs with what they do now, and the newest lines."""
    from rich.console import Group
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("run", "state", "step", "lines", "silent", "memory", "cpu", "numbers", "what"):
        made.add_column(column, no_wrap=True, overflow="ellipsis")
    for run in runs:
        made.add_row(*(_text(cell, style(run)) for cell in _cells(run)))
    return Group(made, *(_text(line, "dim") for line in newest[-_NEWEST:]))


def style(run: AttachedRun) -> str:
    """A colour: red for trouble that it can't go on with, yellow for other trouble."""
    here = [i for i in run.incidents if i.trial == run.run]
    if any(i.kind not in ADVISORY for i in here):
        return "red"
    return "yellow" if here else "dim" if run.over else ""


def _cells(run: AttachedRun) -> tuple[str, ...]:
    usage, attached = run.usage, run.attachment
    kinds = [i.kind.replace("_", " ") for i in run.incidents if i.trial == run.run]
    state = ", ".join(kinds[-2:]) or ("runs" if not run.over else attached.status)
    memory = f"{usage.memory_bytes / 2**20:.0f} MiB" if usage else ""
    cpu = f"{usage.cpu_s:.0f} s" if usage else ""
    silent = "" if run.over else f"{run.silent_s:.0f} s"
    step, lines = str(run.follower.step or ""), str(run.follower.lines)
    return (run.run, state, step, lines, silent, memory, cpu, _numbers(run), attached.what)


def _numbers(run: AttachedRun) -> str:
    history = run.follower.history
    found = dict.fromkeys(p.name for p in history.points() if p.name.lower() not in _COUNTS)
    shown = []
    for name in list(found)[:_MOST_NUMBERS]:
        value = history.last(name)
        if value is not None:
            shown.append(f"{name} {value:.4g}" if math.isfinite(value) else f"{name} {value}")
    return ", ".join(shown)


def _text(untrusted: str, style: str = "") -> "Text":
    from rich.text import Text

    return Text(_one_line(untrusted), style=style, overflow="ellipsis")


def _one_line(untrusted: str) -> str:
    return " ".join(clean(untrusted).split())
