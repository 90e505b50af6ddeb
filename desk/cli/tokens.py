"""Who may enter the board: `labcrew board token add|list|remove`."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from desk.cli.common import (
    ByOption,
    HomeOption,
    JsonOption,
    answer,
    answer_json,
    group,
    guarded,
    plain,
    say,
)

if TYPE_CHECKING:
    from rich.table import Table

    from desk.web.access_file import Token
    from desk.wiring import Opened

app = group("Who may enter the board and the REST API.")


@app.command()
@guarded
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What they do is signed with it.")],
    role: Annotated[
        Literal["viewer", "researcher", "approver"],
        typer.Option(
            help="viewer: look; researcher: assign, comment and steer too; approver: decide too."
        ),
    ] = "viewer",
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a person or a program; it is shown this once."""
    from desk.web.access import Access
    from desk.wiring import open_home, person
    from labcrew.errors import InputError

    with open_home(home) as opened:
        access = Access(opened.home.access_file, opened.clock)
        # Threads and decisions belong to a name: two people with one would read each other's.
        other = next((t for t in access.all() if t.name == name and t.role != role), None)
        if other is not None:
            raise InputError(
                f"{name} has a token as {other.role} already ({other.id}).",
                f"Remove it first: labcrew board token remove {other.id}; or take another name.",
            )
        secret, made = access.make(name, role)
        note(opened, by or person(), "access.token_added", made)
    if as_json:
        answer_json({"id": made.id, "name": name, "role": role, "token": secret})
        return
    say(f"The token of {name}, {role} ({made.id}), shown this once:")
    typer.echo(secret)


@app.command("list")
@guarded
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the tokens: names, roles and ids."""
    from desk.web.access import Access
    from desk.wiring import open_home

    with open_home(home) as opened:
        known = Access(opened.home.access_file).all()
    value = {"tokens": [token.model_dump(mode="json", exclude={"hash"}) for token in known]}
    answer(
        value,
        as_json,
        lambda: _table(known) if known else "There are none: labcrew board token add NAME",
    )


@app.command()
@guarded
def remove(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a token; the sessions that were begun with it end at once."""
    from desk.web.access import Access
    from desk.wiring import open_home, person

    with open_home(home) as opened:
        removed = Access(opened.home.access_file).remove(id)
        note(opened, by or person(), "access.token_removed", removed)
    value = removed.model_dump(mode="json", exclude={"hash"})
    answer(value, as_json, lambda: f"{removed.name}'s token {id} is removed.")


def note(opened: "Opened", by: str, kind: str, token: "Token") -> None:
    """A line in the ledger about a token; its secret is not in it."""
    from desk.acting import actor

    data = {"token": token.id, "name": token.name, "role": token.role}
    opened.ledger.events.append(
        ticket="", actor=actor(by), kind=kind, key=f"{kind}/{token.id}", data=data
    )


def _table(tokens: "tuple[Token, ...]") -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("id", "name", "role", "made"):
        table.add_column(head)
    for token in tokens:
        table.add_row(token.id, plain(token.name), token.role, f"{token.made_at:%Y-%m-%d %H:%M}")
    return table
