"""The crew at work, as it happens: a live view on a terminal, plain lines elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from agents.budget_used import spent
from desk.commissions import is_loop
from desk.live_loops import loop_parts
from desk.wording import NAMES, measured, sentence, settings, who
from labcrew.ledger import Ledger
from labcrew.ports import Clock
from sandboxes.text import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

R = TypeVar("R")
_POLL_S = 0.5
_NEWEST_TRIALS = 12
_NEWEST_LINES = 6
_TICKETS = 5


class Board:
    """What is known of some tickets, read off the ledger bit by bit.

    Args:
        ledger: only read.
        clock: for elapsed times.
        tickets: which; None for all.
        replay: whether `poll` also tells what happened before now.
        readings: trial → the last number that its run printed, where the runs are followed by
            this process.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        tickets: Iterable[str] | None = None,
        *,
        replay: bool = False,
        readings: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tickets = None if tickets is None else tuple(tickets)
        self._readings = readings
        self._seen = 0
        self._said: dict[str, str] = {}
        self._agents: dict[str, tuple[datetime, str]] = {}
        self._lines: list[tuple[datetime, str]] = []
        if not replay:
            self.poll()
            self._lines.clear()

    def poll(self) -> list[str]:
        """What happened since the last time, a line each."""
        said = []
        for event in self._ledger.events.of(None, after=self._seen):
            self._seen = event.sequence
            if self._tickets is not None and event.ticket not in self._tickets:
                continue
            words = sentence(event, self._ledger)
            if words is None:
                continue
            # A record is often put again without a change that matters to a person.
            record = f"{event.data.get('table')}/{event.data.get('id')}"
            if "table" in event.data and self._said.get(record) == words:
                continue
            self._said[record] = words
            line = " ".join(clean(words).split())
            if event.actor in NAMES:
                self._agents[event.actor] = (event.at, line)
            self._lines.append((event.at, line))
            mark = f"{event.ticket} " if self._tickets is None or len(self._tickets) != 1 else ""
            said.append(f"{event.at:%H:%M:%S} {mark}{line}")
        del self._lines[:-_NEWEST_LINES]
        return said

    def render(self) -> "RenderableType":
        """The whole view."""
        from rich.console import Group

        parts: list[RenderableType] = []
        for id in self._shown_tickets():
            parts += self._of(id)
        parts.append(self._crew())
        parts += [self._text(f"{at:%H:%M:%S} {line}", "dim") for at, line in self._lines]
        parts += [
            self._text(f"▷ {gate.title}: labcrew decide {gate.id} {'|'.join(gate.allowed)}", "bold")
            for gate in self._ledger.gates.all(status="open")
            if self._tickets is None or gate.ticket in self._tickets
        ]
        return Group(*parts)

    def _shown_tickets(self) -> list[str]:
        if self._tickets is not None:
            return list(self._tickets)
        found = []
        for status in ("assigned", "running", "waiting"):
            found += self._ledger.tickets.page(status=status, limit=_TICKETS)
        newest = [ticket.id for _, ticket in sorted(found, key=lambda row: row[0])[-_TICKETS:]]
        loops = self._ledger.evolutions.all(status="running", limit=_TICKETS)
        return [*newest, *(loop.id for loop in loops)]

    def _of(self, id: str) -> "list[RenderableType]":
        if is_loop(id):
            return loop_parts(self._ledger, id)
        return [self._head(id), self._trials(id)]

    def _head(self, id: str) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        assigned = self._ledger.tickets.get(id)
        trials = self._ledger.trials.of(id)
        used = spent(trials)
        began = datetime.fromisoformat(assigned.assigned_at)
        spent_h = sum(t.result.duration_s for t in trials if t.result is not None) / 3600
        cost = (
            f", {spent_h * assigned.budget.usd_per_hour:.2f} USD"
            if assigned.budget.usd_per_hour
            else ""
        )
        line = Table.grid(padding=(0, 1), expand=False)
        line.add_column(no_wrap=True, overflow="ellipsis", max_width=60)
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True)
        line.add_row(
            self._text(f"{id} {assigned.status}: {assigned.ticket.title}", "bold"),
            ProgressBar(total=assigned.budget.trials, completed=used, width=16),
            self._text(
                f"{used}/{assigned.budget.trials} runs, {_span(began, self._clock.now())}{cost}"
            ),
        )
        return line

    def _trials(self, id: str) -> "Table":
        from rich.table import Table

        table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
        for name in ("trial", "kind", "seed", "state", "value", "settings"):
            table.add_column(name, no_wrap=name != "settings")
        readings = self._readings()
        trials = [t for t in self._ledger.trials.of(id) if t.status != "planned"]
        for trial in trials[-_NEWEST_TRIALS:]:
            style = {"running": "cyan", "failed": "red", "stopped": "yellow"}.get(trial.status, "")
            cells = (
                trial.id,
                trial.kind.replace("_", " "),
                str(trial.seed),
                trial.status,
                measured(trial) or _printed(readings.get(trial.id)),
                settings(trial.values),
            )
            table.add_row(*(self._text(cell, style) for cell in cells))
        return table

    def _crew(self) -> "Table":
        from rich.table import Table

        table = Table(box=None, padding=(0, 1), show_header=False)
        for actor in NAMES:
            if actor in self._agents:
                at, line = self._agents[actor]
                ago = _span(at, self._clock.now())
                table.add_row(
                    self._text(who(actor), "bold"), self._text(line), self._text(ago, "dim")
                )
        return table

    @staticmethod
    def _text(untrusted: str, style: str = "") -> "Text":
        from rich.text import Text

        return Text(" ".join(clean(untrusted).split()), style=style, overflow="ellipsis")


async def alongside(
    work: Awaitable[R], board: Board, console: "Console", stop: asyncio.Event | None = None
) -> R:
    """Shows the board while work is done; answers what the work answers.

    Args:
        work: awaited to its end.
        board: what is shown.
        console: a terminal gets the live view, anything else a line for each event of note.
        stop: ends the work early, as if cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        if console.is_terminal:
            from rich.live import Live

            with Live(console=console, auto_refresh=False, transient=True) as live:
                while not task.done():
                    board.poll()
                    live.update(board.render(), refresh=True)
                    await _pause(task, stop)
        else:
            while not task.done():
                _print(console, board.poll())
                await _pause(task, stop)
        _print(console, board.poll())
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        if not task.done():
            task.cancel()


async def _pause(task: "asyncio.Future[R]", stop: asyncio.Event | None) -> None:
    await asyncio.wait({task}, timeout=_POLL_S)
    if stop is not None and stop.is_set():
        task.cancel()


def _print(console: "Console", lines: list[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _printed(value: float | None) -> str:
    return "" if value is None else f"{value:.5g} (reported)"


def _span(start: datetime, end: datetime) -> str:
    seconds = max(0, int((end - start).total_seconds()))
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
