"""The coordinator in conversation: what people say, its replies, and their yes or no."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from desk.chat.carrying_out import CarryingOut, Halt, needed
from desk.chat.recognise import Recogniser
from desk.chat.replying import Reply, Replying
from desk.chat.telling import Teller
from desk.chat.threads import Threads
from desk.chat.understand import Understanding
from desk.office import Office
from desk.views.recall import Recall
from desk.web.access import Caller, NotAllowed
from labcrew.domain.conversation import (
    MOST_CHARACTERS,
    ChatMessage,
    Focus,
    Proposal,
    Row,
    Statement,
    Thread,
)
from labcrew.errors import InputError

YES = re.compile(
    r"(?:yes|y|yep|yeah|yup|ok|okay|sure|confirm|confirmed|i confirm|go ahead|do it|do so"
    r"|(?:yes|yep|yeah|ok|okay|sure)[, ]+"
    r"(?:please|do it|do so|do that|go ahead|confirm|confirmed|thanks|sure))"
    r"(?: please| thanks)?[\s.!]*",
    re.I,
)
NO = re.compile(
    r"(?:no|n|nope|nah|cancel|don'?t|do not|never mind|nevermind|forget it|leave it|rather not"
    r"|no[, ]+(?:thanks|thank you|don'?t|leave it|cancel))[\s.!]*",
    re.I,
)
Said = Callable[[str], None]


class Conversing(Protocol):
    """A chat model that answers in the coordinator's place; see `desk.chat.conversing`."""

    async def reply(
        self, asked: ChatMessage, before: list[ChatMessage], caller: Caller, say: Said
    ) -> "Spoken":
        """Its reply, or the rule's with why."""


class Spoken:
    """A reply with who gave it.

    Args:
        reply: what is said and proposed.
        by: rule, or model:<name>.
        text: the words of a model, where it gave them.
        note: what a person should know of how it came about.
    """

    def __init__(self, reply: Reply, by: str = "rule", text: str = "", note: str = "") -> None:
        self.reply, self.by, self.text, self.note = reply, by, text, note


class Coordinator:
    """Everything that is said in a lab's threads.

    Args:
        office: through which it acts.
        recogniser: tells what people mean.
        recall: finds what was learnt.
        files: where ticket files are looked for; None: they must be pasted.
        halt: ends the containers of a ticket that was stopped.
        model: converses in place of the rules, with whoever is more than a viewer; None: the
            rules answer.
    """

    def __init__(
        self,
        office: Office,
        recogniser: Recogniser,
        recall: Recall,
        *,
        files: Path | None = None,
        halt: Halt = lambda ticket: None,
        model: Callable[[Replying], Conversing] | None = None,
    ) -> None:
        self._ledger = office.ledger
        self.threads = Threads(office.ledger, office.clock)
        self.replying = Replying(office, recall, Understanding(recogniser), files)
        self._carrying_out = CarryingOut(office, self.replying.proposing, halt)
        self._model = model(self.replying) if model is not None else None

    async def say(
        self,
        thread: str,
        text: str,
        caller: Caller,
        *,
        key: str = "",
        seen: int | None = None,
        say: Said | None = None,
    ) -> ChatMessage:
        """What a person says; answers the coordinator's reply.

        Args:
            thread: the person's own.
            text: 1 to 20,000 characters.
            caller: the person.
            key: the same for a request that is sent again: it is answered once.
            seen: number of the newest message that the person saw; a yes to what came later
                is none. None: all of them.
            say: is given a model's words as they come.

        Raises:
            NotFound: no such thread of this person's.
            InputError: no text, too long, or the key was another message's.
        """
        if not text.strip():
            raise InputError("Say something: a message has 1 to 20,000 characters.")
        if len(text) > MOST_CHARACTERS:
            raise InputError(f"A message has at most {MOST_CHARACTERS:,} characters.",
                             "Put the rest into a file.")  # fmt: skip
        text = text.encode("utf-8", "replace").decode("utf-8")
        opened = self.open(thread, caller)
        asked = self._asked(opened, text, caller, key)
        done = self.threads.reply_to(asked)
        if done is not None:
            return done
        before = [m for m in self.threads.newest(thread, 40) if m.number < asked.number]
        answer = self._yes_or_no(before, text, caller, seen)
        if answer is not None:
            return self._reply(asked, answer)
        focus = _focus(before)
        # Asking a model costs money: whoever may only look is answered by rule.
        if self._model is None or focus.asked or not caller.may("researcher"):
            spoken = Spoken(self.replying.to(text, caller, focus))
        else:
            spoken = await self._model.reply(asked, before, caller, say or _silent)
        return self._reply(asked, spoken)

    def confirm(self, thread: str, proposal: str, payload_hash: str, caller: Caller) -> ChatMessage:
        """The button's yes. Raises NotFound, InputError, NotAllowed."""
        self.open(thread, caller)
        return self._confirmed(self._proposal(thread, proposal), payload_hash, caller)

    def refuse(self, thread: str, proposal: str, caller: Caller) -> ChatMessage:
        """The button's no. Raises NotFound, InputError."""
        self.open(thread, caller)
        return self._refused(self._proposal(thread, proposal), caller)

    def open(self, thread: str, caller: Caller) -> Thread:
        """A person's thread, after what a killed process left undone in it was done."""
        opened = self.threads.get(thread, caller.name)
        for proposal in self.threads.proposals(thread).values():
            if proposal.status == "confirmed":
                self._told(self._carrying_out.finish(proposal.id))
        return opened

    def _asked(self, thread: Thread, text: str, caller: Caller, key: str) -> ChatMessage:
        with self._ledger.transaction():
            known = self.threads.said(thread.id, key)
            if known is not None:
                if known.text != text:
                    raise InputError("This request's key was used for another message.",
                                     "Send it with a new Idempotency-Key.")  # fmt: skip
                return known
            if thread.title == "A conversation":
                self.threads.rename(thread.id, caller.name, text)
            return self.threads.add(thread.id, role="person", text=text, by=caller.name, key=key)

    def _reply(self, asked: ChatMessage, spoken: Spoken | ChatMessage) -> ChatMessage:
        """Keeps a reply, with its proposal, unless another request has given one meanwhile."""
        with self._ledger.transaction():
            known = self.threads.reply_to(asked)
            if known is not None:
                return known
            if isinstance(spoken, ChatMessage):
                told = spoken.model_copy(update={"answers": asked.number})
                self._ledger.messages.put(told, actor="coordinator", kind="message.said")
                return told
            reply = spoken.reply
            statements, proposal = reply.statements, ""
            if reply.draft is not None:
                fields = reply.draft.model_dump()
                made = self.threads.propose(asked.thread, asked.by, fields)
                proposal = made.id
                about = _target(Teller(self._ledger), made)
                question = Statement(text="Shall I do this? Say yes or no.", rows=about)
                statements = (*statements, question)
            return self.threads.add(
                asked.thread,
                role="coordinator",
                text=spoken.text,
                statements=statements,
                by=spoken.by,
                note=spoken.note,
                proposal=proposal,
                choices=reply.choices,
                focus=reply.focus,
                answers=asked.number,
            )

    def _yes_or_no(
        self, before: list[ChatMessage], text: str, caller: Caller, seen: int | None
    ) -> Spoken | ChatMessage | None:
        """What a bare yes or no means: it answers the proposal asked about last, or nothing."""
        yes, no = YES.fullmatch(text.strip()), NO.fullmatch(text.strip())
        if not (yes or no):
            return None
        last = next((m for m in reversed(before) if m.role == "coordinator"), None)
        proposal = self._ledger.proposals.find(last.proposal) if last and last.proposal else None
        if last is None or proposal is None or proposal.status != "open":
            if last is not None and last.focus.asked:
                return None
            return _words("Nothing waits for a yes or no here.", _focus(before))
        if seen is not None and seen < last.number:
            return _words(
                "Something else was asked here meanwhile, so I took your answer for none. Look at"
                " it, and use its buttons.",
                last.focus,
            )
        if yes:
            return self._confirmed(proposal, proposal.payload_hash, caller)
        return self._refused(proposal, caller)

    def _confirmed(self, proposal: Proposal, payload_hash: str, caller: Caller) -> ChatMessage:
        role = needed(self._ledger, proposal)
        if not caller.may(role):
            raise NotAllowed(
                f"{caller.name} is a {caller.role} here; this is for a {role}.",
                "Ask whoever keeps this lab.",
            )
        return self._told(self._carrying_out.confirm(proposal.id, payload_hash, caller.name))

    def _refused(self, proposal: Proposal, caller: Caller) -> ChatMessage:
        return self._told(self._carrying_out.refuse(proposal.id, caller.name))

    def _told(self, proposal: Proposal) -> ChatMessage:
        """Says once what became of a proposal."""
        with self._ledger.transaction():
            for message in self.threads.messages(proposal.thread):
                if message.note == _ended(proposal):
                    return message
            words = {
                "done": f"Done: {proposal.outcome}",
                "refused": "Left as it is; nothing was done.",
                "lapsed": f"Nothing was done. {proposal.outcome}",
                "failed": f"It could not be done: {proposal.outcome}",
                "confirmed": "It is being done.",
                "open": "It waits for your yes.",
            }[proposal.status]
            rows = _target(Teller(self._ledger), proposal)
            return self.threads.add(
                proposal.thread,
                role="coordinator",
                statements=(Statement(text=words, rows=rows),),
                by="rule",
                note=_ended(proposal),
                focus=Focus(tickets=tuple(dict.fromkeys(row.ticket for row in rows))[:1]),
            )

    def _proposal(self, thread: str, id: str) -> Proposal:
        proposal = self._ledger.proposals.get(id)
        if proposal.thread != thread:
            raise InputError(f"{id} was not asked in {thread}.")
        return proposal


def _target(tell: Teller, proposal: Proposal) -> tuple[Row, ...]:
    """The record that a proposal is about."""
    if not proposal.target:
        return ()
    tables = {"decide": "gates", "comment": "merge_requests"}
    return (tell.row(tables.get(proposal.action, "tickets"), proposal.target),)


def _ended(proposal: Proposal) -> str:
    return f"{proposal.id} {proposal.status}"


def _focus(before: list[ChatMessage]) -> Focus:
    last = next((m for m in reversed(before) if m.role == "coordinator"), None)
    return last.focus if last is not None else Focus()


def _words(text: str, focus: Focus) -> Spoken:
    return Spoken(Reply((Statement(text=text),), focus))


def _silent(piece: str) -> None:
    """Nobody listens as it comes."""
