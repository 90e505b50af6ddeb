"""`labcrew evolve`: a program improves itself, judged by what it can't touch."""

import re
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
    console,
    group,
    guarded,
    say,
)
from labcrew.errors import InputError

if TYPE_CHECKING:
    from desk.front.port import LoopMove
    from desk.views.evolutions import EvolutionSheet
    from desk.wiring import Opened
    from labcrew.domain.evolution import Evolution
    from labcrew.domain.evolution_spec import Control

app = group("")
loops = group("Loops in which a program improves itself: see `labcrew evolve`.")
_ID = re.compile(r"E-\d+")
ControlOption = Annotated[
    str, typer.Option(help="Run a control: random_search, always_keep or no_memory.")
]
EvolutionArgument = Annotated[str, typer.Argument(metavar="EVOLUTION", help="e.g. E-001")]


@app.command()
@guarded
def evolve(
    what: Annotated[str, typer.Argument(metavar="SPEC.md|EVOLUTION", help="A spec, or E-001.")],
    control: ControlOption = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Accept the spec, and a merge that is a proven gain.")
    ] = False,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a program improve itself, judged by what it can't touch; a killed loop goes on."""
    from desk.views.evolutions import sheet_of
    from desk.wiring import open_home

    known = _ID.fullmatch(what) is not None
    if known and control:
        raise InputError(
            f"{what} goes on as it was started; --control {control} can't be set any more.",
            f"Start a loop of its own: labcrew evolve SPEC.md --control {control}",
        )
    with open_home(home, create=True) as opened:
        id = opened.ledger.evolutions.get(what).id if known else _started(opened, what, control, by)
        ended = _work_on(opened, id, yes, as_json)
        _tell(sheet_of(opened.ledger, ended), as_json)
    if ended.status in ("done", "stopped"):
        raise typer.Exit(DONE)
    raise typer.Exit(FAILED if ended.status == "failed" else WAITING)


@loops.command("new")
@guarded
def new(
    file: Annotated[Path, typer.Argument(metavar="SPEC.md", help="A spec's file.")],
    control: ControlOption = "",
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a loop and leave it to whoever works on the home: `labcrew up`, or the board."""
    from desk.front.opening import front

    known = _control(control)
    with front(home, server, by) as desk:
        started = desk.start_loop(file, known)
    answer(started, as_json, lambda: f"{started.id} is {started.status}: {started.title}")


@loops.command("list")
@guarded
def list_evolutions(
    home: HomeOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """List the loops."""
    from desk.cli.evolving_pages import line_of
    from desk.front.opening import front

    with front(home, server, None) as desk:
        found = desk.loops()
    none = "No loop yet. Start one with: labcrew evolve SPEC.md"
    answer({"evolutions": found}, as_json, lambda: "\n".join(map(line_of, found)) or none)


@loops.command("show")
@guarded
def show(
    evolution: EvolutionArgument,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a loop: its rounds, what was kept and why, its budget and result."""
    from desk.front.opening import front

    with front(home, server, None) as desk:
        sheet = desk.loop(evolution)
    _tell(sheet, as_json)


@loops.command("pause")
@guarded
def pause(
    evolution: EvolutionArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Halt a loop after what runs now."""
    _move("pause", evolution, by, home, server, as_json)


@loops.command("resume")
@guarded
def resume(
    evolution: EvolutionArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a paused or failed loop go on."""
    _move("resume", evolution, by, home, server, as_json)


@loops.command("stop")
@guarded
def stop(
    evolution: EvolutionArgument,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a loop for good; its rounds stay."""
    _move("stop", evolution, by, home, server, as_json)


@loops.command("fields")
@guarded
def fields(
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As docs/evolution-spec.md.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every field of a spec."""
    from desk.cli.evolving_pages import reference
    from labcrew.domain.evolution_spec import EvolutionSpec
    from labcrew.ticket_shape import fields as fields_of

    found = list(fields_of(EvolutionSpec))
    answer({"fields": found}, as_json, lambda: reference(found, markdown=markdown))


def _move(
    move: "LoopMove",
    id: str,
    by: str | None,
    home: Path | None,
    server: str | None,
    as_json: bool,
) -> None:
    from desk.front.opening import front

    with front(home, server, by) as desk:
        moved = desk.move_loop(id, move)
    answer(moved, as_json, lambda: f"{moved.id} is {moved.status}.")


def _control(name: str) -> "Control":
    from typing import get_args

    from labcrew.domain.evolution_spec import Control

    found: Control | None = next((each for each in get_args(Control) if each == name), None)
    if found is None:
        known = [each for each in get_args(Control) if each]
        raise InputError(f"There is no control {name!r}.", f"Choose from {', '.join(known)}.")
    return found


def _started(opened: "Opened", what: str, control: str, by: str | None) -> str:
    from desk.wiring import person
    from labcrew.evolution_file import read_spec

    known, file = _control(control), Path(what)
    spec, source = read_spec(file), str(file.absolute())
    evolutions = opened.evolutions()
    earlier = evolutions.unfinished(spec, source, known)
    if earlier is not None:
        if earlier.status == "paused":
            say(f"{earlier.id} is this spec, and paused: `labcrew evolution resume {earlier.id}`.")
        else:
            say(f"{earlier.id} is this spec; it goes on.")
        return earlier.id
    started = evolutions.start(
        spec,
        beside=file.absolute().parent,
        source=source,
        by=by or person(),
        control=known,
    )
    say(f"{started.id}: {spec.title}, from {started.base_commit[:12]}.")
    return started.id


def _work_on(opened: "Opened", id: str, yes: bool, as_json: bool) -> "Evolution":
    import asyncio

    from desk.cli.evolving_pages import Rounds
    from desk.wiring import at_work

    with at_work(opened, say) as working, Rounds(opened.ledger, id, console(err=True)) as live:
        evolver = working.evolver(yes, live.say)
        try:
            return asyncio.run(evolver.advance(id))
        except KeyboardInterrupt:
            say(f"Interrupted; nothing is lost. Go on with: labcrew evolve {id}")
            raise


def _tell(sheet: "EvolutionSheet", as_json: bool) -> None:
    from desk.cli.evolving_pages import page_of

    answer(sheet, as_json, lambda: page_of(sheet))
