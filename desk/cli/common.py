"""What every command shares: the options --home, --json and --by, answers and errors.

Nothing here imports more than Typer: `labcrew --help` must be quick.
"""

import functools
import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer

from labcrew.errors import LabcrewError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console, RenderableType
    from rich.text import Text

P = ParamSpec("P")
DONE, BAD_INPUT, WAITING, FAILED = 0, 2, 3, 4
_WIDTH_OF_FILES = 120

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="FOLDER",
        help="The home. [default: $LABCREW_HOME, your own ./.labcrew, or ~/.labcrew]",
        show_default=False,
    ),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Ask that labcrew server; your token in $LABCREW_TOKEN. [default: $LABCREW_SERVER]",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Who does this. [default: $LABCREW_USER or your login name]",
        show_default=False,
    ),
]


def group(help: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(
        help=help, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
    )


def guarded(function: Callable[P, None]) -> Callable[P, None]:
    """A command whose LabcrewErrors end as one readable message (or JSON) and an exit code."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except LabcrewError as error:
            fail(error, bool(kwargs.get("as_json")))

    return run


def given(context: typer.Context, *options: str) -> list[str]:
    """Which of some options stand on the command line, whatever their values are."""
    sources = {name: context.get_parameter_source(name.strip("-")) for name in options}
    return [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]


def fail(error: LabcrewError, as_json: bool) -> NoReturn:
    """Says what went wrong and ends the program."""
    if as_json:
        answer_json(
            {
                "error": {
                    "type": type(error).__name__,
                    "message": error.message,
                    "remedy": error.remedy,
                    "exit_code": error.exit_code,
                }
            }
        )
    else:
        typer.echo(f"Error: {printable(error.message)}", err=True)
        if error.remedy:
            typer.echo(f"  {printable(error.remedy)}", err=True)
    raise typer.Exit(error.exit_code)


def answer_json(value: Any) -> None:
    """One JSON value on standard output, in ASCII: a terminal may be reading along."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, default=str, allow_nan=False) + "\n")
    sys.stdout.flush()


def answer(
    value: "BaseModel | Iterable[BaseModel] | dict[str, Any]",
    as_json: bool,
    shown: "Callable[[], RenderableType | str]",
) -> None:
    """The command's answer: as JSON, or as people read it."""
    if as_json:
        answer_json(value)
        return
    text = shown()
    if isinstance(text, str):
        typer.echo(text, nl=not text.endswith("\n"))
    else:
        console().print(text)


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no number for it
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def console(*, err: bool = False) -> "Console":
    """A terminal that takes no text for markup."""
    from rich.console import Console

    made = Console(markup=False, highlight=False, emoji=False, soft_wrap=False, stderr=err)
    if not made.is_terminal:
        made.width = _WIDTH_OF_FILES
    return made


def plain(text: object, style: str = "") -> "Text":
    """Untrusted text for a terminal: never markup, never a control character."""
    from rich.text import Text

    return Text(printable(str(text)), style=style)


def printable(text: str) -> str:
    """Text without escape sequences and direction marks; newlines and tabs stay."""
    from sandboxes.text import clean

    return clean(text).replace("\r", "")


def say(text: str) -> None:
    """Progress for a person, on standard error so that standard output stays the answer."""
    typer.echo(printable(text), err=True)
