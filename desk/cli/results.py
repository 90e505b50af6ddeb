"""Commands that hand results out: report, export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from desk.cli.common import HomeOption, JsonOption, answer, group, guarded

if TYPE_CHECKING:
    from desk.deliverables.formats import Format

app = group("")
TicketArgument = Annotated[
    str, typer.Argument(metavar="TICKET|EVOLUTION", help="e.g. T-001, or a loop's E-001")
]


@app.command()
@guarded
def report(
    ticket: Annotated[
        str | None,
        typer.Argument(
            metavar="TICKET|EVOLUTION",
            help="e.g. T-001, or a loop's E-001; none: the morning report.",
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(metavar="TIME", help="Of the morning report: 12h, 2d, or 2026-01-31T18:00."),
    ] = "12h",
    to: Annotated[
        Path | None,
        typer.Option("--output", "--to", metavar="FILE", help="Write it there instead."),
    ] = None,
    format: Annotated[
        Literal["md", "html", "pdf", "docx", "pptx"] | None,
        typer.Option(
            help="A first draft to be sent on, as md, html, pdf, docx or pptx; without it: all"
            " records, as Markdown. Without --output: T-001.FORMAT, which must not exist."
        ),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a ticket's or a loop's report; without one, what happened overnight."""
    from desk import commissions
    from desk.report import report_of
    from desk.wiring import open_home
    from labcrew.errors import InputError

    if format is not None:
        _deliver(ticket, format, to, home, as_json)
        return
    value: dict[str, Any] = {}
    with open_home(home) as opened:
        if ticket is None:
            from desk import morning
            from desk.models import build_judge
            from desk.wiring import redaction
            from graphs.accounts import accounted, own_bounds

            now = opened.clock.now()
            settings = opened.settings
            judge = accounted(
                build_judge(settings),
                opened.ledger,
                opened.home,
                opened.clock,
                settings,
                f"report-{now:%Y%m%dT%H%M%S%f}",  # two reports at once have two accounts
                lambda: own_bounds(settings),
                redact=redaction(settings),
            )
            made = morning.morning(opened.ledger, judge, morning.since_of(since, now), now)
            text, value = morning.text(made), {"morning": made}
        else:
            text = report_of(opened.ledger, commissions.get(opened.ledger, ticket))
    if to is not None:
        try:
            to.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{to} can't be written: {error.strerror}.") from None
        answer({"file": str(to), **value}, as_json, lambda: f"Wrote {to}.")
        return
    answer({"report": text, **value}, as_json, lambda: text)


def _deliver(
    ticket: str | None, format: "Format", to: Path | None, home: Path | None, as_json: bool
) -> None:
    from desk import commissions
    from desk.deliverables.formats import deliverable
    from desk.wiring import open_home
    from labcrew.errors import InputError

    if ticket is None:
        raise InputError(
            "--format is for a ticket's or a loop's report.", "Name one: labcrew report T-001 …"
        )
    with open_home(home) as opened:
        made = deliverable(opened.ledger, commissions.get(opened.ledger, ticket), format)
    file = to or Path(f"{ticket}.{format}")
    try:
        # A name that was not chosen overwrites nothing.
        with file.open("wb" if to is not None else "xb") as opened_file:
            opened_file.write(made)
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror}.") from None
    answer({"file": str(file), "bytes": len(made)}, as_json, lambda: f"Wrote {file}.")


@app.command()
@guarded
def export(
    ticket: TicketArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy results to a folder: report, records, plots; a ticket's winner, a loop's patches."""
    from desk import commissions, keeping
    from desk.wiring import open_home

    with open_home(home) as opened:
        done = keeping.export(opened.office(), ticket, folder)
    none = "nothing was kept yet" if commissions.is_loop(ticket) else "there is no winner yet"
    winner = f"; the winner is {done.winner}" if done.winner else f"; {none}"
    answer(done, as_json, lambda: f"Wrote {len(done.files)} files to {done.folder}{winner}.")
