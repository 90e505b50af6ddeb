"""A loop on a terminal: its page, its line in a list, and a view of it while it works."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from desk.cli.common import plain, printable
from desk.views.evolutions import EvolutionHead, EvolutionSheet, RoundRow, sheet_of
from desk.wording import dollars
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.ledger import Ledger
from labcrew.ticket_reference import plain_lines, tables
from labcrew.ticket_shape import Field

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

_NEWEST = 12
_COLOURS = {"kept": "green", "halted": "bold red", "refused": "yellow", "dropped": "dim"}
_HEAD = """\
# The fields of a spec

Made by `labcrew evolution fields --markdown`. A spec is Markdown: these fields as YAML front
matter, and below it, for people, what is wanted. See [evolution.md](evolution.md).

"""


def line_of(head: EvolutionHead) -> str:
    """A loop on one line."""
    control = f" (control: {head.control})" if head.control else ""
    return printable(
        f"{head.id}  {head.status:<8}  {head.rounds_done} of {head.rounds_allowed} rounds,"
        f" {head.keeps} kept  {head.title}{control}"
    )


def page_of(sheet: EvolutionSheet, newest: int | None = None) -> "RenderableType":
    """The whole page, or only its newest rounds."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    told = [Text(f"{sheet.id}  {sheet.title}", style="bold"), Text(_budget(sheet))]
    if sheet.outcome:
        told.append(plain(sheet.outcome))
    if sheet.noise is not None:
        noise = sheet.noise
        told.append(
            Text(
                f"noise: a pair differs by {noise.std:.4g}; {noise.seen}; baseline {noise.mean:.4g}"
            )
        )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("round", "verdict", sheet.metric, "gain, lower to upper bound", "change", "why"):
        table.add_column(name, overflow="fold")
    for row in sheet.rounds[-newest:] if newest else sheet.rounds:
        style = _COLOURS.get(row.verdict or "", "")
        score = "" if row.score is None else f"{row.score:.4g}"
        cells = (str(row.number), row.verdict or row.doing, score, _gain(row))
        change = f"{row.title} ({row.proposer})" if row.title else ""
        table.add_row(*cells, plain(change), plain(row.reason), style=style)
    parts: list[RenderableType] = [*told, table]
    if sheet.sealed is not None:
        sealed = sheet.sealed
        relative = f", {sealed.relative:+.1%}" if sealed.relative is not None else ""
        parts.append(
            Text(
                f"sealed split: {sealed.baseline:.4g} → {sealed.final:.4g}, gain"
                f" {sealed.comparison.gain:+.4g} [{sealed.comparison.low:+.4g},"
                f" {sealed.comparison.high:+.4g}]{relative}; best by hindsight, of"
                f" {sealed.opened} programs opened, {sealed.hindsight:.4g}",
                style="bold",
            )
        )
    parts += [plain(f"waits for you: labcrew decide {gate.id}") for gate in sheet.gates]
    return Group(*parts)


def _budget(sheet: EvolutionSheet) -> str:
    tokens = f", {sheet.tokens_spent:,} of {sheet.tokens_allowed:,} tokens"
    most = f" of {dollars(sheet.usd_allowed)}" if sheet.usd_allowed is not None else ""
    money = f", {dollars(sheet.usd_spent)}{most}"
    return (
        f"{sheet.status}: {sheet.rounds_done} of {sheet.rounds_allowed} rounds,"
        f" {sheet.hours_spent:.2f} of {sheet.hours_allowed:g} hours"
        f"{tokens if sheet.tokens_spent else ''}{money if sheet.usd_spent else ''}"
    )


def _gain(row: RoundRow) -> str:
    if row.gain is None:
        return ""
    return f"{row.gain.gain:+.4g}, {row.gain.low:+.4g} to {row.gain.high:+.4g}"


def reference(found: Sequence[Field], *, markdown: bool) -> str:
    """Every field of a spec, for a terminal or as Markdown."""
    if markdown:
        return _HEAD + "\n".join(tables("The spec", EvolutionSpec)) + "\n"
    return "\n".join(plain_lines(EvolutionSpec))


class Rounds:
    """A loop while it works: a page that is drawn again on a terminal, lines elsewhere.

    Args:
        ledger: only read.
        id: the loop's.
        console: where it is drawn.
    """

    def __init__(self, ledger: Ledger, id: str, console: "Console") -> None:
        self._ledger, self._id, self._console = ledger, id, console
        self._live: Live | None = None
        self._said = ""

    def say(self, text: str) -> None:
        """What is being done now."""
        self._said = text
        if self._live is None:
            self._console.print(plain(text), soft_wrap=True)
        else:
            self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> "RenderableType":
        from rich.console import Group

        sheet = sheet_of(self._ledger, self._ledger.evolutions.get(self._id))
        return Group(page_of(sheet, _NEWEST), plain(self._said))

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live

            self._live = Live(self._drawn(), console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
