"""Tools by which an agent speaks: a note for itself, a question to a person, and its end."""

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger
from tools.programming.telling import Told
from tools.toolbox import Tool, Workbench

NOTE = "code.note"
QUESTION = "code.question"
FINISHED = "code.finished"


class Note(Model):
    """Keeps something for later."""

    text: str = Field(min_length=1, max_length=4000)


class AskPerson(Model):
    """Asks a person; the work waits for the answer."""

    question: str = Field(min_length=1, max_length=4000)


class Finish(Model):
    """Says that the work is done; the tests are run before it is believed."""

    summary: str = Field(
        min_length=1, max_length=8000, description="what was wrong or missing, and what changed"
    )


def _note(call: Note, assigned: AssignedTicket, bench: Workbench) -> Told:
    _keep(NOTE, call.text, assigned, bench)
    return Told(text="Noted.")


def _ask(call: AskPerson, assigned: AssignedTicket, bench: Workbench) -> Told:
    _keep(QUESTION, call.question, assigned, bench)
    return Told(text="The question is put to a person.")


def _finish(call: Finish, assigned: AssignedTicket, bench: Workbench) -> Told:
    _keep(FINISHED, call.summary, assigned, bench)
    return Told(text="The work is said to be done.")


def _keep(kind: str, text: str, assigned: AssignedTicket, bench: Workbench) -> None:
    bench.ledger.events.append(
        ticket=assigned.id,
        actor="merge_request",
        kind=kind,
        key=f"{assigned.id}/r{assigned.revision}/{kind}/{content_hash(text)[:16]}",
        data={"text": text, "revision": assigned.revision},
    )


def notes(ledger: Ledger, assigned: AssignedTicket) -> tuple[str, ...]:
    """What was noted for this revision, oldest first."""
    return tuple(
        str(event.data["text"])
        for event in ledger.events.of(assigned.id)
        if event.kind == NOTE and event.data["revision"] == assigned.revision
    )


note = Tool("note", Note, _note)
ask_person = Tool("ask_person", AskPerson, _ask)
finish = Tool("finish", Finish, _finish)
