"""Commands that set the crew to work or watch it: run, up, watch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import (
    DONE,
    FAILED,
    WAITING,
    ByOption,
    HomeOption,
    JsonOption,
    ServerOption,
    answer,
    answer_json,
    console,
    given,
    group,
    guarded,
    plain,
    say,
)
from labcrew.errors import InputError

if TYPE_CHECKING:
    from desk.wiring import Opened
    from labcrew.domain.ticket import AssignedTicket

app = group("")
_OF_ATTACHED = (
    "--log", "--stop", "--restart", "--rescues", "--offers", "--metric", "--maximize", "--stall",
    "--new",
)  # fmt: skip
YesOption = Annotated[
    bool,
    typer.Option("--yes", help="Accept plan, budget and merge gates; models get no more."),
]


@app.command()
@guarded
def run(
    ticket: Annotated[
        str | None,
        typer.Argument(metavar="TICKET", help="T-001, or a ticket's file; none: the only one."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--ticket", metavar="FILE.md", help="Assign this first.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show plan inputs, budget and environment.")
    ] = False,
    yes: YesOption = False,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work on one ticket until it is done or needs you."""
    from desk.wiring import open_home

    if file is not None and ticket is not None:
        raise InputError(
            f"--ticket {file} is assigned and worked on; {ticket} would be left out.",
            "Run one at a time, or both with: labcrew up",
        )
    if file is None and ticket is not None and (ticket.endswith(".md") or Path(ticket).is_file()):
        file, ticket = Path(ticket), None
    if dry_run:
        _dry_run(ticket, file, home, as_json)
        return
    with open_home(home, create=file is not None) as opened:
        id = _assigned(opened, file, by) if file is not None else ticket or _only_one(opened)
        ended = _work_on(opened, id, yes)
        _tell(opened, ended, as_json)
    raise typer.Exit(_exit_code(ended))


@app.command()
@guarded
def up(
    at_once: Annotated[
        int,
        typer.Option("--at-once", min=1, max=64, help="Tickets worked on at a time; loops, one."),
    ] = 4,
    yes: YesOption = False,
    idle_exit: Annotated[
        bool, typer.Option("--until-idle", help="End when no ticket can move on.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Work on all tickets and loops until interrupted; decisions made meanwhile are picked up."""
    import asyncio

    from desk.background import background, following, shift_of
    from desk.live import Board, alongside
    from desk.views.evolutions import head_of
    from desk.wiring import at_work, open_home

    with (
        open_home(home, create=True) as opened,
        at_work(opened, say, many=True) as working,
        background(opened, say),
    ):
        say(f"At work in {opened.home.root}; interrupt to end. Tickets keep their place.")

        async def work() -> None:
            async with working.worker(yes) as worker:
                board = Board(opened.ledger, opened.clock, readings=worker.readings)
                loops = working.evolver(yes, say)
                shift = shift_of(opened, worker, loops, at_once=at_once, say=say)
                async with following(opened, working, say):
                    await alongside(shift.run(until_idle=idle_exit), board, console(err=True))

        try:
            asyncio.run(work())
        except KeyboardInterrupt:
            say("Interrupted; running trials go on, and tickets continue with the next `up`.")
        tickets = opened.ledger.tickets.all()
        loops = [head_of(opened.ledger, found) for found in opened.ledger.evolutions.all()]
    if as_json:
        answer_json({"tickets": tickets, "evolutions": loops})


@app.command()
@guarded
def watch(
    context: typer.Context,
    ticket: Annotated[str | None, typer.Argument(metavar="TICKET")] = None,
    attach: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="Supervise a run that labcrew did not start: log:PATH, container:NAME, pid:N"
            " (with --log) or tensorboard:FOLDER. May be repeated. Read-only without --stop and"
            " --restart.",
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The log file of an attached process.")
    ] = None,
    stop: Annotated[
        str,
        typer.Option(
            metavar="COMMAND", help="How an attached run is ended: your own shell, 0 once it is."
        ),
    ] = "",
    restart: Annotated[
        str, typer.Option(metavar="COMMAND", help="How it is started again; your own shell.")
    ] = "",
    rescues: Annotated[int, typer.Option(min=0, max=20, help="Most restarts of a run.")] = 2,
    offers: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="What the restarted program reads, e.g. learning_rate,gradient_clip: see"
            " docs/supervision.md.",
        ),
    ] = "",
    metric: Annotated[str, typer.Option(metavar="NAME", help="The number that counts.")] = "",
    maximize: Annotated[bool, typer.Option("--maximize", help="Higher is better for it.")] = False,
    stall: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Longest silence of a healthy run.")
    ] = 600,
    new: Annotated[
        bool, typer.Option("--new", help="Leave out what an attached run printed before now.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Show it once and end.")] = False,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch the crew at work from any terminal; or supervise runs of your own (--attach)."""
    import asyncio
    import contextlib

    from desk.commissions import get
    from desk.front.opening import front, server_meant
    from desk.live import Board, alongside
    from desk.wiring import open_home

    _attached_or_not(ticket, attach, given(context, *_OF_ATTACHED))
    if attach:
        from desk.attach_wanted import Wanted, offers_of
        from desk.cli.attaching import supervise
        from desk.wiring import person
        from labcrew.domain.monitoring import Expectations

        wanted = Wanted(
            whats=tuple(attach),
            log=log,
            stop=stop,
            restart=restart,
            rescues=rescues,
            offers=offers_of([word.strip() for word in offers.split(",") if word.strip()]),
            from_end=new,
        )
        expected = Expectations(
            metric=metric, direction="maximize" if maximize else "minimize", stall_s=stall
        )
        raise typer.Exit(
            supervise(home, wanted, expected, by or person(), once=once, lines=as_json)
        )
    if once or as_json or server_meant(home, server) is not None:
        with front(home, server, by, say) as desk:
            lines = desk.lines(ticket, once=once or as_json)
            if once or as_json:
                said = list(lines)
                answer({"lines": said}, as_json, lambda: "\n".join(said) or "Nothing happened yet.")
                return
            with contextlib.suppress(KeyboardInterrupt):
                for line in lines:
                    console().print(plain(line), soft_wrap=True)
        return
    with open_home(home) as opened:
        if ticket is not None:
            get(opened.ledger, ticket)
        only = None if ticket is None else [ticket]
        board = Board(opened.ledger, opened.clock, only, replay=True)
        try:
            asyncio.run(alongside(asyncio.Event().wait(), board, console()))
        except KeyboardInterrupt:
            return


def _attached_or_not(ticket: str | None, attach: list[str] | None, options: list[str]) -> None:
    """Raises InputError for mixtures of what the crew does with runs of one's own."""
    if attach and ticket is not None:
        raise InputError(
            f"{ticket} is the crew's, and --attach supervises runs of your own.",
            "Watch one at a time.",
        )
    if options and not attach:
        raise InputError(
            f"{', '.join(options)} {'is' if len(options) == 1 else 'are'} for runs of your own.",
            "Say which with --attach, or leave that out.",
        )


def _assigned(opened: "Opened", file: Path, by: str | None) -> str:
    from desk.cli.showing import taken
    from desk.wiring import person
    from labcrew.ticket_file import read_ticket

    ticket, source = read_ticket(file), str(file.absolute())
    office, beside = opened.office(), file.absolute().parent
    known, elsewhere = office.unfinished(ticket, source, beside)
    if known is not None:
        say(f"{known.id} is this ticket; it goes on.")
        return known.id
    if elsewhere is not None:
        say(
            f"{elsewhere.id} is this ticket at another commit ({elsewhere.base_commit[:12]}); it"
            f" stays where it is: labcrew run {elsewhere.id}. The files as they are now are taken"
            " as a new ticket."
        )
    assigned = office.assign(ticket, source=source, by=by or person(), beside=beside)
    say(taken(assigned))
    return assigned.id


def _only_one(opened: "Opened") -> str:
    from labcrew.errors import InputError

    going = [t.id for t in opened.ledger.tickets.all() if t.status not in ("done", "stopped")]
    if len(going) == 1:
        return going[0]
    raise InputError(
        "Which ticket?" if going else "There is no ticket to work on.",
        f"Name one: {', '.join(going)}." if going else "Give a file: labcrew run TICKET.md",
    )


def _work_on(opened: "Opened", id: str, yes: bool) -> "AssignedTicket":
    import asyncio

    from desk.live import Board, alongside
    from desk.wiring import at_work

    assigned = opened.ledger.tickets.get(id)
    if assigned.status in ("done", "stopped", "paused"):
        return assigned
    with at_work(opened, say) as working:

        async def work() -> "AssignedTicket":
            async with working.worker(yes) as worker:
                board = Board(opened.ledger, opened.clock, [id], readings=worker.readings)
                return await alongside(worker.advance(id), board, console(err=True))

        try:
            return asyncio.run(work())
        except KeyboardInterrupt:
            say(f"Interrupted; nothing is lost. Go on with: labcrew run {id}")
            raise


def _tell(opened: "Opened", assigned: "AssignedTicket", as_json: bool) -> None:
    from rich.console import Group

    from desk.cli.showing import gate_page, ticket_page
    from desk.views.sheet import sheet_of

    gates = [gate for gate in opened.office().inbox() if gate.ticket == assigned.id]
    value = {"ticket": assigned, "gates": gates}
    page = ticket_page(sheet_of(opened.ledger, assigned, spending=opened.settings.spending))
    answer(value, as_json, lambda: Group(page, *(gate_page(gate) for gate in gates)))
    hint = {
        "paused": f"Paused. Go on with: labcrew ticket resume {assigned.id}",
        "failed": f"See: labcrew report {assigned.id}. Again: labcrew ticket retry {assigned.id}",
        "done": f"The report: labcrew report {assigned.id}",
    }.get(assigned.status)
    if hint is not None:
        say(hint)


def _exit_code(assigned: "AssignedTicket") -> int:
    if assigned.status in ("done", "stopped"):
        return DONE
    return FAILED if assigned.status == "failed" else WAITING


def _dry_run(ticket: str | None, file: Path | None, home: Path | None, as_json: bool) -> None:
    from desk import preview
    from desk.wiring import home_folder, open_home
    from labcrew.home import Home
    from labcrew.settings import Settings
    from labcrew.ticket_file import read_ticket

    if file is not None:
        settings = Settings.load(Home(home_folder(home)).settings_file)
        shown = preview.of_ticket(read_ticket(file), file.absolute().parent, settings)
    else:
        with open_home(home) as opened:
            assigned = opened.ledger.tickets.get(ticket or _only_one(opened))
            shown = preview.of_assigned(assigned, opened.home.root, opened.settings)
    answer(shown, as_json, lambda: preview.text(shown))
