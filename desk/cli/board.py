"""The board: `labcrew board`."""

from typing import Annotated

import typer

from desk.cli.common import HomeOption, JsonOption, answer_json, group, guarded, say

app = group("")


@app.command()
@guarded
def board(
    port: Annotated[int, typer.Option(min=1, max=65535, help="On this machine alone.")] = 8080,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the board and the REST API on this machine."""
    import uvicorn

    from desk.web.access import Access
    from desk.web.app import create_app
    from desk.web.feed import Feed
    from desk.web.lab import Lab
    from desk.wiring import open_home, person

    with open_home(home, create=True) as opened:
        access = Access(opened.home.root / "access.json")
        address = f"http://127.0.0.1:{port}"
        token = access.add(person(), "approver") if access.empty() else None
        if as_json:
            answer_json({"address": address, "token": token})
        else:
            say(f"The board: {address}")
            if token is not None:
                say(f"Your token, shown this once: {token}")
        lab = Lab(opened, access, Feed(opened.ledger))
        uvicorn.run(create_app(lab), host="127.0.0.1", port=port, log_level="warning")
