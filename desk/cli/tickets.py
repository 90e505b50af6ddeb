"""Commands on tickets: new, answer, drafts, list, show, fields, pause, resume, stop, retry …"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli import drafting
from desk.cli.common import (
    ByOption,
    HomeOption,
    JsonOption,
    ServerOption,
    answer,
    group,
    guarded,
    say,
)

if TYPE_CHECKING:
    from desk.front.port import Move

app = group("Tickets: draft, assign, look, pause, stop.")
TicketArgument = Annotated[str, typer.Argument(metavar="TICKET", help="e.g. T-001")]


@app.command("import")
@guarded
def import_(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="An issue of your forge, gitlab.com or github.com.")
    ],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there; it must not exist.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draft a ticket's text from a GitLab or GitHub issue; nothing is assigned."""
    from desk.wiring import open_home
    from labcrew.errors import InputError
    from sandboxes.git.repositories import GitRepositories
    from tools.forges.issues import drafted, issue_at

    with open_home(home) as opened:
        copies = GitRepositories(opened.home.repositories)
        issue = issue_at(url, opened.settings.forge, copies)
    text = drafted(issue)
    if output is not None:
        try:
            with output.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise InputError(f"{output} can't be written: {error.strerror}.") from None
    answer({"ticket": text, "url": issue.url}, as_json, lambda: text)


@app.command()
@guarded
def new(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE.md|REPO",
            help="A ticket's file to assign, or the folder of a git repository to draft one for.",
            show_default=False,
        ),
    ] = None,
    sentence: Annotated[
        str | None,
        typer.Argument(
            metavar="SENTENCE",
            help='With REPO: what you want, e.g. "lower the test loss".',
            show_default=False,
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Draft: take the best guesses, ask nothing.")
    ] = False,
    trials: Annotated[int | None, typer.Option(help="Draft: runs in all.")] = None,
    hours: Annotated[float | None, typer.Option(help="Draft: hours of work in all.")] = None,
    commit: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="Draft: where the work starts. [HEAD]")
    ] = None,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Draft: with the uncommitted files, as they are.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draft: the ticket's file. [ticket.md]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Draft: overwrite the --output file.")
    ] = False,
    assign: Annotated[
        bool, typer.Option("--assign", help="Draft: assign the ticket right away.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="DRAFT", help="Go on with a draft, e.g. D-001.")
    ] = None,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Assign a ticket from a file, or draft one for a repository and a sentence."""
    from desk.cli.drafting import new_draft
    from desk.front.opening import drafted_at_home

    options = {
        "--yes": yes,
        "--trials": trials is not None,
        "--hours": hours is not None,
        "--commit": commit is not None,
        "--snapshot": snapshot,
        "--output": output is not None,
        "--force": force,
        "--assign": assign,
    }
    given = [name for name, there in options.items() if there]
    if _drafts(what, sentence, resume, given):
        drafted_at_home(home, server)
        new_draft(
            what,
            sentence,
            resume=resume,
            commit=commit,
            snapshot=snapshot,
            trials=trials,
            hours=hours,
            yes=yes,
            output=output,
            force=force,
            assign=assign,
            by=by,
            home=home,
            as_json=as_json,
        )
        return
    _assign(Path(what or ""), by, home, server, as_json)


@app.command("list")
@guarded
def list_(
    status: Annotated[
        str | None, typer.Option(help="Only those: assigned, running, waiting, done …")
    ] = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the tickets."""
    from typing import get_args

    from desk.cli.showing import ticket_table
    from desk.front.opening import front
    from labcrew.domain.ticket import TicketStatus
    from labcrew.errors import InputError

    known = get_args(TicketStatus)
    if status is not None and status not in known:
        raise InputError(f"--status {status}: no ticket has it.", f"Known: {', '.join(known)}.")
    with front(home, server, None) as desk:
        tickets = desk.tickets(status)
    answer([ticket.plain() for ticket in tickets], as_json, lambda: ticket_table(tickets))


@app.command()
@guarded
def show(
    ticket: TicketArgument,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one ticket: where it stands, its trials, what it waits for."""
    from desk.cli.showing import ticket_page
    from desk.front.opening import front

    with front(home, server, None) as desk:
        sheet = desk.sheet(ticket)
    value = sheet.model_dump(mode="json", exclude={"costs"})
    answer(value, as_json, lambda: ticket_page(sheet))


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
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a ticket rest; running trials go on, nothing new begins."""
    _act("pause", ticket, by, home, server, as_json)


@app.command()
@guarded
def resume(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a paused ticket go on."""
    _act("resume", ticket, by, home, server, as_json)


@app.command()
@guarded
def stop(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a ticket and its running trials; everything it made stays."""
    _act("stop", ticket, by, home, server, as_json)


@app.command()
@guarded
def retry(
    ticket: TicketArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a failed or stopped ticket go on from where it was."""
    _act("retry", ticket, by, home, server, as_json)


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
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a ticket's budget, or change it."""
    from desk.cli.showing import budget_line
    from desk.front.opening import front

    given = {
        "trials": trials,
        "hours": hours,
        "parallel": parallel,
        "cpus": cpus,
        "memory_mb": memory_mb,
        "disk_mb": disk_mb,
    }
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with front(home, server, by) as desk:
        if changes:
            desk.change_budget(ticket, changes)
        costs = desk.costs(ticket)
    answer(costs.budget, as_json, lambda: budget_line(costs))


_OF_THE_WISH = ("--trials", "--hours", "--commit", "--snapshot")


def _drafts(what: str | None, sentence: str | None, resume: str | None, given: list[str]) -> bool:
    """Whether a ticket is to be drafted, not assigned. Raises InputError for mixtures."""
    from labcrew.errors import InputError

    how = 'labcrew ticket new REPO "what you want"'
    if resume is not None:
        settled = [name for name in given if name in _OF_THE_WISH]
        if what is not None or settled:
            extra = ", ".join([*([what] if what is not None else []), *settled])
            raise InputError(
                f"--resume goes on with {resume} as it was asked for; {extra} can't be changed.",
                f"Ask for a new draft: {how}",
            )
        return True
    if what is None:
        raise InputError(
            "What is the ticket?", f"Give a file, labcrew ticket new FILE.md, or {how}."
        )
    if Path(what).is_dir() and sentence is None:
        raise InputError(f"What should become better in {what}?", f"Say it in a sentence: {how}")
    if sentence is not None and Path(what).is_file():
        raise InputError(
            f"{what} is a file, and a ticket's file says itself what is wanted.",
            f"Leave the sentence out, or name a repository's folder: {how}",
        )
    if sentence is None and given:
        raise InputError(
            f"{', '.join(given)} {'is' if len(given) == 1 else 'are'} for drafts, and {what} is"
            " taken as a ticket's file.",
            f"Leave that out, or draft: {how}",
        )
    return sentence is not None


def _assign(
    file: Path, by: str | None, home: Path | None, server: str | None, as_json: bool
) -> None:
    from desk.cli.showing import taken
    from desk.front.opening import front

    with front(home, server, by) as desk:
        assigned = desk.assign(file)
    answer(assigned, as_json, lambda: taken(assigned))


def _act(
    move: "Move",
    ticket: str,
    by: str | None,
    home: Path | None,
    server: str | None,
    as_json: bool,
) -> None:
    from desk.front.opening import front

    with front(home, server, by, say) as desk:
        assigned = desk.move(ticket, move)
    hint = "" if assigned.status != "assigned" else f" Go on with: labcrew run {ticket}"
    answer(assigned, as_json, lambda: f"{ticket} is {assigned.status}.{hint}")


app.registered_commands += drafting.app.registered_commands
