"""What a message means: its intent and slots, with what the messages before it were about."""

import re
from collections.abc import Sequence

from desk.chat.budgets import budget_changes
from desk.chat.intents import ACTIONS, Intent
from desk.chat.known import Known
from desk.chat.recognise import Likely, Recogniser
from desk.chat.slots import Slots, names, nth, place, quoted, ticket_file, time_span
from labcrew.domain.base import Model
from labcrew.domain.conversation import Focus
from labcrew.domain.review import DecisionKind

SURE, LEAD = 0.34, 0.12
"""A reading is taken where its share is this large and this much ahead of the next one."""
_READ = 2000
"""Characters of a message that its intent is read from."""
_AND = re.compile(
    r"(?:[.;?!]\s+|,?\s+and\s+(?:then\s+|also\s+)?|,\s+(?:then|also)\s+)"
    r"(?=(?:please\s+)?(?:tell|show|what|how|why|which|who|when|is|are|has|did|pause|resume|stop"
    r"|retry|cancel|assign|approve|accept|reject|comment|give|list|compare|raise|set)\b)",
    re.I,
)
_WHO_DID = re.compile(
    r"\b(?:who|whose|whom|anybody|anyone|somebody|someone|nobody)\b.*"
    r"\b(?:approved|accepted|decided|rejected|declined|signed|agreed|said)\b"
)
_POINTS = re.compile(
    r"\b(it|its|this|that|they|them|there|the ticket|the same|one)\b|^(and|why|how come|when)\b",
    re.I,
)
_TOPIC = re.compile(
    r"\b(?:about|on|regarding|of|with|concerning|tried?|say about|for)\s+(?:the\s+)?(.{2,300})$",
    re.I | re.S,
)
_TAIL = re.compile(r"[\s,]*(?:please|pls|so far|already|yet|before|ever|lately)?[\s?.!]*$", re.I)
_SAYING = re.compile(
    r"\b(?:saying|that says|says|that|with)\s+(?!\w+'s\b)(.{3,20000})$", re.I | re.S
)
_DECISIONS: tuple[tuple[DecisionKind, re.Pattern[str]], ...] = (
    ("respond", re.compile(
        r"\b(send|sent|give|hand)\b.*\bback\b|\breturn|\brespond|\brevis", re.I)),
    ("ignore", re.compile(
        r"\b(reject|declin|turn(?:ed)? down|ignore|refuse|say no|dismiss|veto|disapprov)", re.I)),
    ("accept", re.compile(
        r"\b(approv|accept|merge|ship|lgtm|looks? good|go with|say yes|sign off|is fine|agree|ok)",
        re.I)),
)  # fmt: skip


class Reading(Model):
    """One way to understand a message.

    Args:
        share: how likely, 0 to 1, beside the other intents.
    """

    intent: Intent
    slots: Slots = Slots()
    share: float = 1.0


class Understood(Model):
    """What was made of a message.

    Args:
        readings: one for each thing that was said, in order; more than one where two were.
        unsure: the likeliest readings where none is clear; then `readings` is empty.
    """

    readings: tuple[Reading, ...] = ()
    unsure: tuple[Reading, ...] = ()


class Understanding:
    """Reads messages by rule.

    Args:
        recogniser: tells intents apart.
    """

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    def read(self, text: str, known: Known, focus: Focus) -> Understood:
        """What a message means.

        Args:
            text: the person's words.
            known: what ids and names there are to speak of.
            focus: what the message before it was about.
        """
        pieces = parts(text)
        read = [self.one(piece, known, focus) for piece in pieces]
        if len(pieces) > 1:
            clear = [one.readings[0] for one in read if one.readings]
            if len(clear) == len(pieces) and len({r.intent for r in clear}) > 1:
                return Understood(readings=tuple(clear))
            return self.one(text, known, focus)
        return read[0]

    def one(self, text: str, known: Known, focus: Focus) -> Understood:
        """The same, of words that say one thing."""
        said = names(text[:_READ], known)
        shares = weighed(self._recogniser.likely(text[:_READ]), text[:_READ], said, focus)
        readings = tuple(
            Reading(
                intent=one.intent,
                slots=filled(one.intent, text, said, focus),
                share=round(one.share, 4),
            )
            for one in shares[:3]
        )
        first, second = readings[0], readings[1]
        if first.share >= SURE and first.share - second.share >= LEAD:
            return Understood(readings=(first,))
        return Understood(unsure=readings)


def parts(text: str) -> list[str]:
    """The things that a message says, where it says more than one; a quotation is never cut."""
    if len(text) > _READ or quoted(text):
        return [text]
    return [piece.strip() for piece in _AND.split(text) if len(piece.strip()) > 2][:3] or [text]


def weighed(shares: Sequence[Likely], text: str, said: Slots, focus: Focus) -> list[Likely]:
    """Shares after what the message names, and what it follows, are taken into account."""
    factors: dict[Intent, float] = {}

    def more(intent: Intent, by: float) -> None:
        factors[intent] = factors.get(intent, 1.0) * by

    low = text.lower().strip()
    changes = budget_changes(_without_ids(text))
    if len(said.trials) > 1:
        more("compare", 6)
    elif said.trials:
        more("trial", 1.5)
        more("status", 0.4)
    if not changes:
        more("budget", 0.15)
    elif not re.match(r"(what|how|which|when|any|is|are|did|tell|news)\b", low):
        more("budget", 5)
    if time_span(text):
        more("since", 3)
    if ticket_file(text):
        more("assign", 6)
    elif not re.search(r"\b(assign|new (?:ticket|task))\b", low):
        more("assign", 0.3)
    if said.gate:
        more("decide", 2)
    if _WHO_DID.search(low):
        more("decisions", 2.5)
    if re.search(r"\b(stuck|blocked|blocking|pending)\b", low):
        more("waiting", 2)
    if quoted(text) or place(text)[0]:
        more("comment", 2.5)
        more("decide", 1.5)
    if re.match(r"(why|how come)\b", low):
        more("failure", 3)
    if re.match(
        r"(what|which|who|whose|when|why|how|is|are|has|have|did|does|do|were|was|any)\b", low
    ):
        for action in ACTIONS:
            more(action, 0.35)
    if focus.intent and re.match(r"(and|what about|how about)\b", low) and len(low.split()) < 6:
        more(_as_intent(focus.intent), 8)
    ahead = [
        Likely(intent=one.intent, share=one.share * factors.get(one.intent, 1.0)) for one in shares
    ]
    whole = sum(one.share for one in ahead)
    ahead = [Likely(intent=one.intent, share=one.share / whole) for one in ahead]
    return sorted(ahead, key=lambda one: -one.share)


def filled(intent: Intent, text: str, said: Slots, focus: Focus) -> Slots:
    """The slots that an intent has, from the words, then from what went before."""
    changes: dict[str, object] = {}
    if intent != "out_of_scope":
        changes |= _from_focus(intent, text, said, focus)
    if intent == "budget":
        changes["budget"] = budget_changes(_without_ids(text))
    if intent == "since":
        changes["since"] = time_span(text)
    if intent == "assign":
        changes["source"] = ticket_file(text)
    if intent == "learnt":
        changes["text"] = "" if said.tickets else _topic(text)
    if intent == "comment":
        path, line = place(text)
        changes |= {"path": path, "line": line, "text": quoted(text) or _saying(text)}
    if intent == "decide":
        kind = _decision(text)
        changes["decision"] = kind
        changes["text"] = quoted(text) if kind == "respond" else ""
    kept = said.model_copy(update=changes)
    if intent not in ("best", "trial", "compare", "cost", "forecast"):
        kept = kept.model_copy(update={"metric": ""})
    if intent in ("out_of_scope", "help"):
        return Slots()
    if intent in ACTIONS or intent in ("waiting", "learnt", "decisions", "cost", "forecast"):
        kept = kept.model_copy(update={"trials": ()})
    return kept


def _from_focus(intent: Intent, text: str, said: Slots, focus: Focus) -> dict[str, object]:
    at = nth(text)
    if at is not None and focus.listed and not said.trials:
        try:
            chosen = names(focus.listed[at], Known())
        except IndexError:
            return {}
        return {"tickets": chosen.tickets, "trials": chosen.trials}
    if said.trials and not said.tickets:
        joined = said.trials
        if intent == "compare" and len(said.trials) == 1 and focus.trials:
            joined = (*focus.trials, *said.trials)
        return {"tickets": focus.tickets[:1], "trials": joined}
    if not said.tickets and (_POINTS.search(text) or intent in ACTIONS) and focus.tickets:
        changes: dict[str, object] = {"tickets": focus.tickets[:1]}
        if focus.trials:
            changes["trials"] = focus.trials
        return changes
    return {}


def _topic(text: str) -> str:
    match = _TOPIC.search(text)
    return _TAIL.sub("", match[1]).strip() if match else ""


def _saying(text: str) -> str:
    match = _SAYING.search(text)
    return match[1].strip() if match else ""


def _decision(text: str) -> DecisionKind | str:
    head = text.partition(": ")[0]
    for kind, pattern in _DECISIONS:
        if pattern.search(head):
            return kind
    return ""


def _without_ids(text: str) -> str:
    return re.sub(
        r"\bt-?\d[\w.-]*|\bticket\s+#?(?:\d+|one|two|three|four|five|six)\b", " ", text, flags=re.I
    )


def _as_intent(name: str) -> Intent:
    return name  # type: ignore[return-value]
