"""Commands that hand results out: report, export."""

from pathlib import Path
from typing import Annotated

import typer

from desk.cli.common import HomeOption, JsonOption, answer, group, guarded

app = group("")
TicketArgument = Annotated[str, typer.Argument(metavar="TICKET", help="e.g. T-001")]


@app.command()
@guarded
def report(
    ticket: TicketArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE.md", help="Write it there instead.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a ticket's report as Markdown."""
    from desk import report as reporting
    from desk.wiring import open_home
    from labcrew.errors import InputError

    with open_home(home) as opened:
        text = reporting.report(opened.ledger, opened.ledger.tickets.get(ticket))
    if to is not None:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{to} can't be written: {error.strerror}.") from None
        answer({"file": str(to)}, as_json, lambda: f"Wrote {to}.")
        return
    answer({"report": text}, as_json, lambda: text)


@app.command()
@guarded
def export(
    ticket: TicketArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a ticket's results to a folder: report, records, plots, the winner's files."""
    from desk import keeping
    from desk.wiring import open_home

    with open_home(home) as opened:
        done = keeping.export(opened.office(), ticket, folder)
    winner = f"; the winner is {done.winner}" if done.winner else "; there is no winner yet"
    answer(done, as_json, lambda: f"Wrote {len(done.files)} files to {done.folder}{winner}.")
