"""Commands at gates: inbox, decide; and policy, what agents may do without and behind them."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from desk.cli.common import (
    ByOption,
    HomeOption,
    JsonOption,
    ServerOption,
    answer,
    group,
    guarded,
)

app = group("")


class Answer(StrEnum):
    """What may be said at a gate."""

    accept = "accept"
    edit = "edit"
    respond = "respond"
    ignore = "ignore"


@app.command()
@guarded
def inbox(
    home: HomeOption = None, server: ServerOption = None, as_json: JsonOption = False
) -> None:
    """Show what waits for a person: gates, and what failed."""
    from desk.cli.showing import inbox_page
    from desk.front.opening import front

    with front(home, server, None) as desk:
        gates, failed = desk.inbox(), desk.failed()
    value = [{**gate.model_dump(mode="json"), "payload_hash": gate.payload_hash} for gate in gates]
    troubles = [one.model_dump(mode="json") for one in failed]
    answer({"gates": value, "failed": troubles}, as_json, lambda: inbox_page(gates, failed))


@app.command()
@guarded
def decide(
    gate: Annotated[
        str, typer.Argument(metavar="GATE", help="The gate, or a ticket or loop with one.")
    ],
    kind: Annotated[Answer, typer.Argument(metavar="accept|edit|respond|ignore")],
    comment: Annotated[str, typer.Option(help="Why; needed to respond.")] = "",
    edits: Annotated[
        str,
        typer.Option(metavar="JSON", help='For edit, e.g. {"budget": {"trials": 40}}'),
    ] = "",
    shown: Annotated[
        str | None,
        typer.Option(metavar="HASH", help="Refuse unless the gate still shows this."),
    ] = None,
    by: ByOption = None,
    home: HomeOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide at a gate: accept, edit, respond with a comment, or ignore."""
    from desk.commissions import working_on
    from desk.front.opening import front

    with front(home, server, by) as desk:
        decision = desk.decide(gate, kind.value, shown, comment, parsed_edits(edits))
    answer(
        decision,
        as_json,
        lambda: (
            f"{decision.gate}: {decision.kind}, by {decision.by}."
            f" A running `labcrew up` goes on by itself; else: {working_on(decision.ticket)}"
        ),
    )


@app.command()
@guarded
def policy(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show what each agent may do, with which arguments, behind which gate."""
    del home  # the table is the same in every home
    from desk.policy_page import policy_page, policy_rows

    answer({"rows": policy_rows()}, as_json, policy_page)


def parsed_edits(text: str) -> dict[str, Any]:
    """The edits given as JSON. Raises InputError."""
    import json

    from labcrew.errors import InputError

    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"--edits is not JSON: {error}.", 'E.g. {"budget": {"hours": 4}}'
        ) from None
    if not isinstance(value, dict):
        raise InputError("--edits must be a JSON object.", 'E.g. {"budget": {"hours": 4}}')
    return value
