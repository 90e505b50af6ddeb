"""What the coordinator says by rule to a message: an answer, a proposal, or a question back."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from desk.chat.answers import answered, helped
from desk.chat.answers.asking import Asked, Unanswered, or_why
from desk.chat.carrying_out import NEEDS, needed
from desk.chat.intents import ACTIONS, IN_WORDS, INTENTS, Intent
from desk.chat.known import Known, known
from desk.chat.proposing import Draft, Proposing
from desk.chat.slots import Slots, names, nth
from desk.chat.telling import Answer, Teller, nothing
from desk.chat.understand import Reading, Understanding, Understood, filled
from desk.commissions import is_loop
from desk.office import Office
from desk.views.recall import Recall
from desk.web.access import Caller
from labcrew.domain.conversation import ActionName, Focus, Statement

_CHOICE = re.compile(r"\s*(?:the\s+)?(?:number\s+|option\s+|\()?([1-9a-f])\)?[\s.!]*", re.I)
_PASTED = re.compile(r"^---[ \t]*\r?$", re.M)


@dataclass
class Reply:
    """What is said, and what waits for a yes."""

    statements: tuple[Statement, ...] = ()
    focus: Focus = field(default_factory=Focus)
    choices: tuple[str, ...] = ()
    draft: Draft | None = None
    open: bool = False

    @classmethod
    def of(cls, answer: Answer) -> "Reply":
        return cls(answer.statements, answer.focus, answer.choices, open=answer.open)


class Replying:
    """Answers by rule; changes nothing.

    Args:
        office: the lab.
        recall: finds what was learnt.
        understanding: reads messages.
        files: where ticket files are looked for; None: they must be pasted.
    """

    def __init__(
        self,
        office: Office,
        recall: Recall,
        understanding: Understanding,
        files: Path | None = None,
    ) -> None:
        self._office = office
        self._recall = recall
        self._understanding = understanding
        self.proposing = Proposing(office, files)
        self._names: tuple[int, Known] = (-1, Known())

    def to(self, text: str, caller: Caller, focus: Focus) -> Reply:
        """The reply to a message."""
        pasted = pasted_ticket(text)
        if pasted:
            return self.act("assign", Reading(intent="assign"), caller, pasted)
        readings, doubt = self.readings(text, focus)
        if doubt is not None:
            return doubt
        replies = [self.one(reading, caller) for reading in readings]
        for reading, reply in zip(readings, replies, strict=True):
            if reply.open:  # what is said next may complete it
                asked = (focus.asked if focus.asked and not focus.choices else text)[:4000]
                update = {"asked": asked, "intent": reading.intent}
                reply.focus = reply.focus.model_copy(update=update)
        acting = [reply for reply in replies if reply.draft is not None]
        said = tuple(s for reply in replies for s in reply.statements)
        if len(acting) > 1:
            said = (*said, Statement(text="One thing at a time: ask for the other one afterwards."))
        return Reply(
            statements=said,
            focus=_kept(replies[0].focus, focus),
            choices=tuple(choice for reply in replies for choice in reply.choices),
            draft=acting[0].draft if acting else None,
        )

    def readings(self, text: str, focus: Focus) -> tuple[tuple[Reading, ...], Reply | None]:
        """What a message means, or the question that must be asked about it first."""
        names_known = self._known()
        resumed = self._resumed(text, focus)
        if resumed is not None:
            return (resumed,), None
        if not text.strip():
            return (Reading(intent="help"),), None
        understood = self._understanding.read(text, names_known, focus)
        named = names(text, names_known)
        if any(is_loop(id) for id in named.tickets):
            return (_of_loop(understood, named),), None
        if understood.unsure:
            return (), _doubt(text, understood.unsure)
        return understood.readings, None

    def one(self, reading: Reading, caller: Caller) -> Reply:
        """The reply to one reading."""
        if reading.intent in ("help", "out_of_scope"):
            answer = helped(outside=reading.intent == "out_of_scope")
        elif reading.intent in ACTIONS:
            return self.act(cast(ActionName, reading.intent), reading, caller)
        else:
            asked = self.asked(reading, caller)
            answer = or_why(lambda one: answered(reading.intent, one), asked)
        return Reply.of(answer)

    def act(self, action: ActionName, reading: Reading, caller: Caller, pasted: str = "") -> Reply:
        """A proposal, or why there is none."""
        if not caller.may(NEEDS[action]):
            said = (
                f"You are a {caller.role} here; to {IN_WORDS[action]} is for a {NEEDS[action]}."
                " Ask whoever keeps this lab."
            )
            return Reply.of(nothing(said))
        try:
            draft = self.proposing.draft(action, self.asked(reading, caller), pasted)
        except Unanswered as why:
            return Reply.of(why.answer)
        if not caller.may(needed(self._office.ledger, draft)):
            said = f"You are a {caller.role} here; to raise a budget is for an approver. Ask one."
            return Reply.of(nothing(said))
        focus = Focus(
            intent=action,
            tickets=reading.slots.tickets[:1] or _ticket_of(draft.target),
            gate=draft.target if action == "decide" else "",
        )
        return Reply(focus=focus, draft=draft)

    def asked(self, reading: Reading, caller: Caller) -> Asked:
        """A reading as a question to the records."""
        return Asked(
            tell=Teller(self._office.ledger),
            slots=reading.slots,
            known=self._known(),
            now=self._office.clock.now(),
            recall=self._recall,
            person=caller.name,
        )

    def _known(self) -> Known:
        """The names that tickets have; read again when there are more of them."""
        count = self._office.ledger.tickets.count()
        if self._names[0] != count:
            self._names = (count, known(self._office.ledger))
        return self._names[1]

    def _resumed(self, text: str, focus: Focus) -> Reading | None:
        """The earlier message, where this one answers the question that was asked about it."""
        if not focus.asked:
            return None
        here = self._known()
        at = _chosen(text)
        if focus.choices:
            if at is None or not 0 <= at < len(focus.choices):
                return None
            intent = focus.choices[at]
            if intent not in INTENTS:
                return None
            chosen: Intent = intent
            before = Focus(tickets=focus.tickets, trials=focus.trials)
            slots = filled(chosen, focus.asked, names(focus.asked, here), before)
            return Reading(intent=chosen, slots=slots)
        if focus.intent not in INTENTS:
            return None
        said = names(text, here)
        short = len(text.split()) <= 4
        if at is not None and at < len(focus.listed) and short:
            said = names(focus.listed[at], here)
        elif not (said.tickets and short):
            return None
        update: dict[str, Any] = {"tickets": said.tickets}
        first = names(focus.asked, here)
        slots = filled(focus.intent, focus.asked, first.model_copy(update=update), Focus())
        if said.trials:
            slots = slots.model_copy(update={"trials": said.trials})
        if said.gate:
            slots = slots.model_copy(update={"gate": said.gate})
        return Reading(intent=focus.intent, slots=slots)


def _of_loop(understood: Understood, named: Slots) -> Reading:
    """What is meant of a loop: what was understood, else how it stands."""
    sure = understood.readings[0] if understood.readings else None
    if sure is None or sure.intent in ("help", "out_of_scope"):
        return Reading(intent="status", slots=named)
    return sure


def pasted_ticket(text: str) -> str:
    """A ticket's text inside a message: from its first fence; empty: there is none."""
    fences = list(_PASTED.finditer(text))
    return text[fences[0].start() :] if len(fences) >= 2 else ""


def _chosen(text: str) -> int | None:
    if match := _CHOICE.fullmatch(text):
        return "123456789".find(match[1]) if match[1].isdigit() else ord(match[1].lower()) - 97
    short = text.strip(" .!").lower()
    if short in ("first", "the first", "second", "the second", "third", "the third"):
        return ("first", "second", "third").index(short.removeprefix("the "))
    at = nth(text) if len(text.split()) <= 4 else None
    return at if at is None or at >= 0 else None


def _doubt(text: str, unsure: tuple[Reading, ...]) -> Reply:
    offered = [reading for reading in unsure if reading.intent != "out_of_scope"][:3]
    told = "; ".join(
        f"({n}) {_in_words(reading)}" for n, reading in zip("abc", offered, strict=False)
    )
    said = f"I am not sure what you mean. Is it {told}? Say the letter, or put it in other words."
    focus = Focus(
        asked=text[:4000],
        choices=tuple(reading.intent for reading in offered),
        tickets=offered[0].slots.tickets,
        trials=offered[0].slots.trials,
    )
    return Reply((Statement(text=said),), focus, tuple(_in_words(one) for one in offered))


def _in_words(reading: Reading) -> str:
    about = ", ".join(reading.slots.tickets)
    return f"{IN_WORDS[reading.intent]}{f' ({about})' * bool(about)}"


def _kept(new: Focus, old: Focus) -> Focus:
    """What was spoken of stays so where a message names nothing."""
    if new.tickets or new.listed or new.asked:
        return new
    return new.model_copy(update={"tickets": old.tickets, "listed": old.listed})


def _ticket_of(target: str) -> tuple[str, ...]:
    return names(target, Known()).tickets
