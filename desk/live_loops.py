"""A loop of self-evolution in the live view: its head and its newest rounds."""

from typing import TYPE_CHECKING

from labcrew.ledger import Ledger
from sandboxes.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType

_NEWEST = 5


def loop_parts(ledger: Ledger, id: str) -> "list[RenderableType]":
    """What is drawn of a loop.

    Args:
        ledger: only read.
        id: the loop's.
    """
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    loop = ledger.evolutions.get(id)
    line = Table.grid(padding=(0, 1), expand=False)
    line.add_column(no_wrap=True, overflow="ellipsis", max_width=60)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True)
    allowed = loop.spec.budget.rounds
    line.add_row(
        Text(f"{id} {loop.status}: {_line(loop.spec.title)}", style="bold"),
        ProgressBar(total=allowed, completed=loop.rounds, width=16),
        Text(f"{loop.rounds}/{allowed} rounds, {loop.seconds / 3600:.2f} h"),
    )
    table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
    for name in ("round", "verdict", "score", "change"):
        table.add_column(name, no_wrap=name != "change")
    for _, round_ in reversed(ledger.rounds.page(ticket=id, limit=_NEWEST)):
        score = "" if round_.score is None else f"{round_.score:.5g}"
        title = _line(round_.proposal.title) if round_.proposal is not None else ""
        verdict = round_.verdict or round_.status
        table.add_row(*(Text(cell) for cell in (str(round_.number), verdict, score, title)))
    return [line, table]


def _line(text: str) -> str:
    return " ".join(clean(text).split())
