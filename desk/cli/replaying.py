"""`labcrew replay`: a ticket's decisions again, from what was recorded."""

from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import FAILED, HomeOption, JsonOption, answer, group, guarded

if TYPE_CHECKING:
    from desk.replay import Replayed

app = group("Replay.")
_SHOWN = 1200


@app.command()
@guarded
def replay(
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="A ticket or draft, e.g. T-001")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go through a ticket's decisions again from its records: no model, sandbox or writing.

    Ends with exit code 4 at the first decision that does not come out byte for byte.
    """
    from desk import replay as replaying
    from desk.wiring import open_home

    with open_home(home) as opened:
        done = replaying.replay(opened.home, opened.ledger, ticket)
    answer(done, as_json, lambda: _told(done))
    if done.difference is not None:
        raise typer.Exit(FAILED)


def _told(done: "Replayed") -> str:
    from desk.cli.common import printable

    lines = [f"left out: {said}" for said in done.left_out]
    if done.difference is None:
        what = f"{done.decisions} decisions, {done.calls} calls to models"
        lines.append(f"{done.ticket}: {what}: all came out as recorded.")
    else:
        lines += [
            f"{done.ticket}: the first difference, after {done.decisions} decisions, is"
            f" {done.difference.what}",
            f"  recorded: {done.difference.recorded[:_SHOWN]}",
            f"  replayed: {done.difference.replayed[:_SHOWN]}",
        ]
    return printable("\n".join(lines))
