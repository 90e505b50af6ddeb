"""`labcrew ticket new REPO "…"`: a ticket that writes itself; its questions and answers."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli.common import (
    WAITING,
    ByOption,
    HomeOption,
    JsonOption,
    answer_json,
    console,
    group,
    guarded,
    plain,
    printable,
    say,
)
from desk.cli.common import answer as show
from labcrew.errors import DraftRefused, InputError, LabcrewError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from desk.drafts import Drafts
    from desk.wiring import Opened
    from labcrew.domain.draft import Draft, Options
    from labcrew.domain.ticket import AssignedTicket

    Ask = Callable[[Draft, Options, str], JsonValue]

app = group("")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:", re.IGNORECASE)
DraftArgument = Annotated[str, typer.Argument(metavar="DRAFT", help="e.g. D-001")]


@app.command("answer")
@guarded
def answer_question(
    draft: DraftArgument,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="e.g. metric.direction")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="An option's number, its name, or JSON.")
    ],
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question that a draft asks."""
    from desk.front.opening import drafted_at_home
    from desk.wiring import open_home, person

    drafted_at_home(home)
    with open_home(home) as opened:
        drafts = opened.drafts()
        answered = drafts.answer(draft, field, value, by or person())
        left = [question.field for question in drafts.open_questions(answered)]
    hint = (
        f"It still asks about {', '.join(left)}."
        if left
        else f"Go on with: labcrew ticket new --resume {draft}"
    )
    from desk.cli.questions import brief

    said = brief(answered.answers[field])
    show(answered, as_json, lambda: printable(f"{draft}: {field} is {said}. {hint}"))


@app.command("drafts")
@guarded
def list_drafts(
    draft: Annotated[
        str | None, typer.Argument(metavar="DRAFT", help="Show this one; none: list all.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the drafts of tickets, or show one with its guesses and questions."""
    from desk.front.opening import drafted_at_home
    from desk.wiring import open_home

    drafted_at_home(home)
    with open_home(home) as opened:
        if draft is not None:
            _show_one(opened.drafts(), opened.ledger.drafts.get(draft), as_json)
            return
        drafts = opened.ledger.drafts.all()
    lines = [f"{d.id}  {d.status:<8}  {d.repository}: {d.sentence}" for d in drafts]
    none = 'No drafts yet. Ask for one with `labcrew ticket new REPO "what you want"`.'
    show(drafts, as_json, lambda: printable("\n".join(lines)) or none)


def new_draft(
    repository: str | None,
    sentence: str | None,
    *,
    resume: str | None,
    commit: str | None,
    snapshot: bool,
    trials: int | None,
    hours: float | None,
    yes: bool,
    output: Path | None,
    force: bool,
    assign: bool,
    by: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Drafts a ticket, or goes on with a draft, and writes its file.

    Raises:
        InputError: what was asked for, or DraftRefused: why there can be no ticket.
        typer.Exit: with code 3 where questions wait for a person.
    """
    from desk.wiring import open_home, person

    name = by or person()
    if output is not None and output.exists() and not force:
        raise InputError(f"{output} is there already.", "Choose another --output, or add --force.")
    with open_home(home, create=resume is None) as opened:
        drafts = opened.drafts()
        if resume is not None:
            draft = opened.ledger.drafts.get(resume)
            if yes:
                draft = drafts.take_guesses(draft.id, name)
        else:
            draft = _begun(
                drafts,
                repository or "",
                sentence or "",
                by=name,
                commit=commit or "HEAD",
                snapshot=snapshot,
                trials=trials,
                hours=hours,
                assume_yes=yes,
            )
        asked: list[str] = []
        draft = _carried_on(opened, draft, _asker(as_json, asked), name)
        file = written_to(draft, output, force) if draft.status == "written" else None
        assigned = _assigned(opened, file, name) if file is not None and assign else None
        _tell(drafts, draft, file, assigned, as_json, seen=bool(asked))
    if draft.status != "written":
        raise typer.Exit(WAITING)


def carry_on(
    drafts: "Drafts",
    draft: "Draft",
    advance: "Callable[[str], Draft]",
    ask: "Ask | None",
    by: str,
) -> "Draft":
    """Works on a draft until it is written or failed, or asks what nobody is there to answer.

    Args:
        drafts: takes the answers.
        draft: as it stands.
        advance: works until the draft ends or asks.
        ask: puts a question to a person; None: nobody is there.
        by: the person's name.
    """
    draft = _answered(drafts, draft, ask, by)
    while draft.status == "drafting":
        draft = _answered(drafts, advance(draft.id), ask, by)
    return draft


def written_to(draft: "Draft", output: Path | None, force: bool = False) -> Path:
    """Writes a draft's ticket to a file and answers its path; overwrites nothing unasked.

    Args:
        draft: a written one.
        output: where; None: ticket.md here, or ticket-2.md, ticket-3.md … where that is taken.
        force: overwrite the output.

    Raises InputError where the file is there already or can't be written.
    """
    from desk.drafts import file_text

    text = file_text(draft)
    number = 1
    while True:
        path = output or Path("ticket.md" if number == 1 else f"ticket-{number}.md")
        try:
            with path.open("w" if force and output is not None else "x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            if output is not None:
                raise InputError(
                    f"{path} is there already.", "Choose another --output, or add --force."
                ) from None
            number += 1
        except OSError as error:
            raise InputError(
                f"{path} can't be written: {error.strerror}.",
                f"Choose another: labcrew ticket new --resume {draft.id} --output FILE",
            ) from None
        else:
            return path


def _begun(
    drafts: "Drafts",
    repository: str,
    sentence: str,
    *,
    by: str,
    commit: str,
    snapshot: bool,
    trials: int | None,
    hours: float | None,
    assume_yes: bool,
) -> "Draft":
    """A new draft, or the one of the same wish that is not ended yet."""
    if _ADDRESS.match(repository):
        raise InputError(
            f"{repository} is an address; repositories are read where they lie on this machine.",
            "Fetch it with `git clone`, and name its folder.",
        )
    place = Path(repository)
    if not snapshot:
        known = drafts.unfinished(place, sentence, commit=commit, trials=trials, hours=hours)
        if known is not None:
            say(f"{known.id} is this draft; it goes on.")
            return drafts.take_guesses(known.id, by) if assume_yes else known
    draft = drafts.ask(
        place,
        sentence,
        by=by,
        commit=commit,
        snapshot=snapshot,
        trials=trials,
        hours=hours,
        assume_yes=assume_yes,
    )
    say(f"{draft.id}: {draft.repository} at {draft.base_commit[:12]}")
    return draft


def _carried_on(opened: "Opened", draft: "Draft", ask: "Ask | None", by: str) -> "Draft":
    import asyncio

    from desk.cli.progress import Progress
    from desk.wiring import at_work

    drafts = opened.drafts()
    draft = _answered(drafts, draft, ask, by)
    if draft.status != "drafting":
        return draft
    progress = Progress()
    hint = f"Nothing is lost. Go on with: labcrew ticket new --resume {draft.id}"
    try:
        with progress, at_work(opened, progress.say) as working, asyncio.Runner() as runner:
            drafter = working.drafter(progress.say)

            def advance(id: str) -> "Draft":
                try:
                    return runner.run(drafter.advance(id))
                finally:
                    progress.rest()

            return carry_on(drafts, draft, advance, ask, by)
    except (KeyboardInterrupt, typer.Abort, LabcrewError):
        say(hint)
        raise


def _answered(drafts: "Drafts", draft: "Draft", ask: "Ask | None", by: str) -> "Draft":
    """The draft with a person's answers to all that it asks."""
    waiting = drafts.open_questions(draft) if draft.status == "asking" and ask else ()
    for number, question in enumerate(waiting, 1):
        assert ask is not None
        value = ask(draft, question, f"{number} of {len(waiting)}")
        draft = drafts.answer(draft.id, question.field, value, by)
    return draft


def _asker(as_json: bool, asked: list[str]) -> "Ask | None":
    """Asks on the terminal; None where no person sits at one. Notes which fields were asked."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from desk.cli.questions import ask, guess_table

    def read(prompt: str) -> str:
        return str(typer.prompt(prompt, default="", show_default=False, err=True))

    def put(draft: "Draft", question: "Options", heading: str) -> "JsonValue":
        if not asked:
            console(err=True).print(guess_table(draft.guesses))
        asked.append(question.field)
        say("")
        return ask(draft, question, read, say, heading)

    return put


def _assigned(opened: "Opened", file: Path, by: str) -> "AssignedTicket":
    from labcrew.ticket_file import read_ticket

    place = file.absolute()
    return opened.office().assign(read_ticket(file), source=str(place), by=by, beside=place.parent)


def _tell(
    drafts: "Drafts",
    draft: "Draft",
    file: Path | None,
    assigned: "AssignedTicket | None",
    as_json: bool,
    *,
    seen: bool,
) -> None:
    """The command's answer. Raises DraftRefused for a failed draft."""
    from desk.cli.questions import guess_table, questions_page

    if draft.status == "failed":
        raise refused(draft)
    waiting = drafts.open_questions(draft)
    if as_json:
        value: dict[str, Any] = {
            "draft": draft,
            "questions": waiting,
            "file": None if file is None else str(file.absolute()),
            "assigned": assigned,
        }
        answer_json(value)
        return
    if not seen:
        console().print(guess_table(draft.guesses))
    if file is None:
        typer.echo(printable(f"\n{questions_page(draft, waiting)}"))
        return
    doubts = len(draft.ticket.doubts) if draft.ticket is not None else 0
    told = f" {doubts} doubtful guesses are marked in it." if doubts > 1 else ""
    told = " One doubtful guess is marked in it." if doubts == 1 else told
    next_one = assigned.id if assigned is not None else shlex.quote(str(file))
    typer.echo(printable(f"\nThe ticket: {file}.{told}"))
    if assigned is not None:
        from desk.cli.showing import taken

        typer.echo(taken(assigned))
    typer.echo(printable(f"Read it, change what is wrong, then: labcrew run {next_one}"))


def refused(draft: "Draft") -> DraftRefused:
    """Why a draft failed, and what a person can supply."""
    from desk.cli.questions import where

    trouble = draft.trouble
    if trouble is None:
        return DraftRefused(f"{draft.id} failed, and did not say why.", "Ask for a new draft.")
    seen = [f"\n  {where(place)}" for place in trouble.evidence]
    return DraftRefused(
        f"No ticket can be drafted ({draft.id}). {trouble.message}{''.join(seen)}", trouble.supply
    )


def _show_one(drafts: "Drafts", draft: "Draft", as_json: bool) -> None:
    from rich.console import Group

    from desk.cli.questions import guess_table, questions_page

    waiting = drafts.open_questions(draft)
    end = {
        "written": f"Its file again: labcrew ticket new --resume {draft.id}",
        "drafting": f"Go on with: labcrew ticket new --resume {draft.id}",
        "asking": questions_page(draft, waiting),
        "failed": str(refused(draft)) if draft.status == "failed" else "",
    }[draft.status]
    show(
        draft,
        as_json,
        lambda: Group(
            plain(f"{draft.id} {draft.status}: {draft.sentence}", "bold"),
            plain(f"{draft.repository} at {draft.base_commit[:12]}"),
            guess_table(draft.guesses),
            plain(end),
        ),
    )
