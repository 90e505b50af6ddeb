"""Talking to the coordinator: `labcrew chat`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from desk.cli.common import (
    ByOption,
    HomeOption,
    JsonOption,
    answer_json,
    group,
    guarded,
    printable,
    say,
)

if TYPE_CHECKING:
    from desk.chat.coordinator import Coordinator
    from desk.web.access import Caller
    from labcrew.domain.conversation import ChatMessage

app = group("")
_PROMPT = "you> "


@app.command()
@guarded
def chat(
    message: Annotated[
        str | None,
        typer.Argument(metavar="[MESSAGE]", help="Without: a conversation."),
    ] = None,
    thread: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Go on in this thread. [default: a new one]", show_default=False
        ),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Your threads.")] = False,
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Talk to the coordinator: it answers from the records, and acts after your yes."""
    from desk.acting import actor
    from desk.chat.building import coordinator as coordinator_of
    from desk.web.access import Caller
    from desk.wiring import open_home, person

    name = by or person()
    actor(name)
    with open_home(home) as opened:
        # Whoever sits at the home's own machine may all that its files let them.
        caller = Caller(name=name, role="approver")
        coordinator = coordinator_of(opened, files=Path.cwd())
        if listed:
            _list(coordinator, caller, as_json)
            return
        id = coordinator.open(thread, caller).id if thread else ""
        if message is not None:
            _once(coordinator, caller, id or coordinator.threads.open(name).id, message, as_json)
        else:
            _converse(coordinator, caller, id, as_json)


def _list(coordinator: "Coordinator", caller: "Caller", as_json: bool) -> None:
    threads = coordinator.threads.of(caller.name)
    if as_json:
        answer_json({"threads": threads})
        return
    for one in threads:
        typer.echo(printable(f"{one.id}  {one.opened_at:%Y-%m-%d %H:%M}  {one.title}"))
    if not threads:
        typer.echo("You have no threads yet. `labcrew chat` begins one.")


def _once(coordinator: "Coordinator", caller: "Caller", id: str, text: str, as_json: bool) -> None:
    import asyncio

    reply = asyncio.run(coordinator.say(id, text, caller))
    if as_json:
        proposal = coordinator.threads.proposals(id).get(reply.proposal)
        answer_json({"thread": id, "message": reply, "proposal": proposal})
        return
    typer.echo(_shown(coordinator, reply))
    if reply.proposal:
        say(f'Say yes with: labcrew chat --thread {id} "yes"')
    else:
        say(f"Thread {id}")


def _converse(coordinator: "Coordinator", caller: "Caller", id: str, as_json: bool) -> None:
    """Line by line until the input ends; what was said before is shown first."""
    if id and not as_json:
        for message in coordinator.threads.newest(id, 20):
            typer.echo(_shown(coordinator, message))
    elif not as_json:
        say("Ask, or say what to do; `help` tells what I can. An empty line ends it.")
    import asyncio

    if sys.stdin.isatty():
        import readline  # noqa: F401 (arrow keys and history for input)
    seen = 0
    while True:
        try:
            text = input("" if as_json or not sys.stdin.isatty() else _PROMPT)
        except (EOFError, KeyboardInterrupt):
            break
        if not text.strip():
            break
        id = id or coordinator.threads.open(caller.name).id
        reply = asyncio.run(coordinator.say(id, text, caller, seen=seen or None))
        seen = reply.number
        if as_json:
            answer_json({"thread": id, "message": reply})
        else:
            typer.echo(_shown(coordinator, reply))
    if id and not as_json:
        say(f"Go on with: labcrew chat --thread {id}")


def _shown(coordinator: "Coordinator", message: "ChatMessage") -> str:
    """A message as a terminal has it: statements with the lines they rest on."""
    if message.role == "person":
        return printable(f"{_PROMPT}{message.text}")
    lines = [message.text] if message.text else []
    proposal = coordinator.threads.proposals(message.thread).get(message.proposal)
    if proposal is not None:
        lines += [f"  | {line}" for line in proposal.shown]
    for statement in message.statements:
        places = [f"{row.ticket}#event-{row.event}" for row in statement.rows if row.event]
        rest = f"  [{', '.join(dict.fromkeys(places[:3]))}]" if places else ""
        lines.append(f"{statement.text}{rest}")
    if message.note and message.by == "rule" and not message.note.startswith("C-"):
        lines.append(f"({message.note})")
    if message.choices:
        lines.append(f"You may say: {'; '.join(message.choices)}")
    return printable("\n".join(lines))
