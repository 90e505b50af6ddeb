"""Commands on tickets: new, list, show, fields, pause, resume, stop, retry, budget."""

from pathlib import Path
from typing import Annotated, Any

import typer

from desk.cli.common import ByOption, HomeOption, JsonOption, answer, group, guarded, say

app = group("Tickets: assign, look, pause, stop.")
TicketArgument = Annotated[str, typer.Argument(metavar="TICKET", help="e.g. T-001")]


@app.command()
@guarded
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="The ticket, as Markdown.")],
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Assign a ticket from a file, after checking all that can be checked."""
    from desk.cli.showing import taken
    from desk.wiring import open_home, person
    from labcrew.ticket_file import read_ticket

    ticket = read_ticket(file)
    with open_home(home) as opened:
        assigned = opened.office().assign(
            ticket, source=str(file.absolute()), by=by or person(), beside=file.absolute().parent
        )
    answer(assigned, as_json, lambda: taken(assigned))


@app.command("list")
@guarded
def list_(
    status: Annotated[
        str | None, typer.Option(help="Only those: assigned, running, waiting, done …")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tickets."""
    from desk.cli.showing import ticket_table
    from desk.wiring import open_home

    with open_home(home) as opened:
        tickets = opened.ledger.tickets.all(status=status)
        answer(tickets, as_json, lambda: ticket_table(opened.ledger, tickets))


@app.command()
@guarded
def show(ticket: TicketArgument, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show one ticket: where it stands, its trials, what it waits for."""
    from desk.cli.showing import ticket_page
    from desk.wiring import open_home

    with open_home(home) as opened:
        ledger = opened.ledger
        assigned = ledger.tickets.get(ticket)
        waiting = [gate for gate in opened.office().inbox() if gate.ticket == ticket]
        value = {
            "ticket": assigned,
            "gates": waiting,
            "trials": ledger.trials.of(ticket),
            "merge_requests": ledger.merge_requests.of(ticket),
            "incidents": ledger.incidents.of(ticket),
        }
        answer(value, as_json, lambda: ticket_page(ledger, assigned, waiting))


@app.command()
@guarded
def fields(
    markdown: Annotated[bool, typer.Option("--markdown", help="As docs/ticket.md.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every field of a ticket, with an example."""
    from labcrew import ticket_reference, ticket_shape

    answer(
        list(ticket_shape.fields()),
        as_json,
        lambda: (
            ticket_reference.reference()
            if markdown
            else "\n".join([ticket_reference.EXAMPLE, *ticket_reference.plain_lines()])
        ),
    )


@app.command()
@guarded
def pause(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a ticket rest; running trials go on, nothing new begins."""
    _act("pause", ticket, by, home, as_json)


@app.command()
@guarded
def resume(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a paused ticket go on."""
    _act("resume", ticket, by, home, as_json)


@app.command()
@guarded
def stop(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a ticket and its running trials; everything it made stays."""
    from desk.wiring import halt, open_home
    from labcrew.errors import EngineError

    _act("stop", ticket, by, home, as_json)
    with open_home(home) as opened:
        try:
            halt(opened, ticket)
        except EngineError as error:
            say(f"Its containers could not be stopped now: {error.message}")


@app.command()
@guarded
def retry(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a failed or stopped ticket go on from where it was."""
    _act("retry", ticket, by, home, as_json)


@app.command()
@guarded
def budget(
    ticket: TicketArgument,
    trials: Annotated[int | None, typer.Option(help="Runs in all.")] = None,
    hours: Annotated[float | None, typer.Option(help="Hours of work in all.")] = None,
    parallel: Annotated[int | None, typer.Option(help="Runs at once.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cores a run.")] = None,
    memory_mb: Annotated[int | None, typer.Option(help="MiB a run.")] = None,
    disk_mb: Annotated[int | None, typer.Option(help="MiB of workspace a run.")] = None,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket's budget, or change it."""
    from desk.cli.showing import budget_line
    from desk.wiring import open_home, person

    given = {
        "trials": trials,
        "hours": hours,
        "parallel": parallel,
        "cpus": cpus,
        "memory_mb": memory_mb,
        "disk_mb": disk_mb,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with open_home(home) as opened:
        assigned = opened.ledger.tickets.get(ticket)
        if changes:
            assigned = opened.office().change_budget(ticket, by or person(), changes)
        answer(assigned.budget, as_json, lambda: budget_line(opened.ledger, assigned))


def _act(action: str, ticket: str, by: str | None, home: Path | None, as_json: bool) -> None:
    from desk.wiring import open_home, person

    with open_home(home) as opened:
        assigned = getattr(opened.office(), action)(ticket, by or person())
    hint = "" if assigned.status != "assigned" else f" Go on with: labcrew run {ticket}"
    answer(assigned, as_json, lambda: f"{ticket} is {assigned.status}.{hint}")
