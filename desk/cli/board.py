"""The board: `labcrew board`, and who may enter: `labcrew board token …`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli.common import HomeOption, JsonOption, answer_json, group, guarded, say
from desk.cli.tokens import app as tokens
from labcrew.errors import InputError

if TYPE_CHECKING:
    from desk.web.lab import Lab

app = group("Serve the board and the REST API on this machine, and work on the tickets.")
app.add_typer(tokens, name="token")
_END_S = 10


@app.callback(invoke_without_command=True, no_args_is_help=False)
@guarded
def board(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="On this machine alone; 0: any that is free.")
    ] = 8080,
    no_work: Annotated[
        bool, typer.Option("--no-work", help="Only serve; work on tickets with `labcrew up`.")
    ] = False,
    at_once: Annotated[
        int, typer.Option("--at-once", min=1, max=64, help="Tickets worked on at a time.")
    ] = 4,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the board and the REST API on this machine, and work on the tickets."""
    if context.invoked_subcommand is not None:
        if home is not None:
            raise InputError("--home goes behind the command.", "labcrew board token … --home …")
        return
    import asyncio
    import signal

    from desk.background import background
    from desk.web.app import create_app
    from desk.web.lab import Lab
    from desk.web.serving import Server, address_of, listen, make_ready
    from desk.wiring import open_home
    from desk.working import Working

    with open_home(home, create=True) as opened, listen(port) as listening:
        lab = Lab.of(opened)
        served = create_app(lab)
        server = Server(served, lab)
        make_ready(served)

        def end(*_: Any) -> None:
            server.should_exit = True

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        _greet(lab, address_of(listening), as_json)
        working = None if no_work else Working(opened, say, at_once=at_once)
        if working is not None:
            working.start()
        with background(opened, say):
            asyncio.run(server.run_on(listening))
        if working is not None and not working.stop(_END_S):
            say("The shift has not ended in time; nothing is lost.")
        say("The board is closed; running trials go on, and tickets keep their place.")


def _greet(lab: "Lab", address: str, as_json: bool) -> None:
    """Says where the board is; at first start also how to enter."""
    from desk.cli.tokens import note
    from desk.wiring import person

    name = person()
    token = lab.access.add_first(name, "approver")
    entry = None
    if token is not None:
        note(lab.opened, name, "access.token_added", lab.access.all()[0])
        entry = f"{address}/sign-in?code={lab.sessions.code_for(token)}"
    if as_json:
        answer_json({"address": address, "token": token, "sign_in": entry})
        return
    say(f"The board: {address}")
    if token is not None:
        say(f"Your token, shown this once: {token}")
        say(f"Sign in, once and within 15 minutes: {entry}")
