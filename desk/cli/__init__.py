"""The command line: `labcrew …`. One module a group of commands; see `common` for what they share.

Exit codes: 0 done · 2 the input is wrong · 3 waiting for a person · 4 failed.
"""

import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from desk.cli import (
    board,
    chat,
    decisions,
    evaluating,
    evolving,
    home,
    mcp,
    memory,
    merge_requests,
    replaying,
    results,
    schedules,
    skills,
    tickets,
    work,
)
from desk.cli.common import FAILED, fail, group
from labcrew.errors import InputError, LabcrewError
from labcrew.plain_text import HALVES

__all__ = ["app", "main"]


def _said(asked: bool) -> None:
    if asked:
        typer.echo(f"labcrew {version('labcrew')}")
        raise typer.Exit


def _front(
    version: Annotated[
        bool, typer.Option("--version", callback=_said, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """What stands before any command."""


def _app() -> typer.Typer:
    front = group(
        "labcrew: a research crew for machine-learning labs. Assign a ticket, decide at its gates,"
        " review its merge request."
    )
    front.callback()(_front)
    for module in (home, work, board, chat, decisions, results, replaying, evolving):
        front.registered_commands += module.app.registered_commands
    front.add_typer(board.app, name="board")
    front.add_typer(schedules.app, name="schedule")
    front.add_typer(tickets.app, name="ticket")
    front.add_typer(merge_requests.app, name="mr")
    front.add_typer(memory.app, name="memory")
    front.add_typer(skills.app, name="skills")
    front.add_typer(mcp.app, name="mcp")
    front.add_typer(evaluating.app, name="eval")
    front.add_typer(evolving.loops, name="evolution")
    front.add_typer(home.ledger_app, name="ledger")
    return front


app = _app()


def main() -> None:
    """The program `labcrew`."""
    arguments = sys.argv[1:]
    as_json = "--json" in arguments
    try:
        _refuse_halves(arguments)
        if "--help" not in arguments:
            from desk.packages import check_own_packages

            check_own_packages()
        ended = app(arguments, prog_name="labcrew", standalone_mode=False)
    except typer.TyperException as error:
        if as_json:
            code = _code(InputError(error.format_message()))
        else:
            show = getattr(error, "show", None)
            if callable(show):
                show()
            else:
                typer.echo(f"Error: {error.format_message()}", err=True)
            code = error.exit_code
    except typer.Abort:
        code = FAILED
    except LabcrewError as error:
        code = _code(error, as_json)
    except Exception as error:  # a fault of labcrew's own: programs get an answer all the same
        traceback.print_exc()
        said = f"labcrew has a fault: {type(error).__name__}: {error}"
        code = _code(LabcrewError(said, "Its traceback is on standard error."), as_json)
    else:
        code = ended if isinstance(ended, int) else 0
    sys.exit(code)


def _refuse_halves(arguments: list[str]) -> None:
    """Raises InputError for bytes that are no text: they can't be kept, sent or shown."""
    for argument in arguments:
        if HALVES.search(argument):
            raise InputError(f"{argument[:200]!a} is not UTF-8 text.", "Spell it in UTF-8.")


def _code(error: LabcrewError, as_json: bool = True) -> int:
    try:
        fail(error, as_json)
    except typer.Exit as end:
        return end.exit_code
