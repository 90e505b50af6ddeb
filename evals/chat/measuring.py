"""How well the coordinator understands, beside a control, and whether what it says is true."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Any

from pydantic import Field
from scipy.stats import binomtest

from desk.chat.building import coordinator
from desk.chat.facts import unsupported
from desk.chat.intents import ACTIONS, Intent, examples
from desk.chat.known import Known
from desk.chat.recognise import Recogniser, masked
from desk.chat.slots import names
from desk.chat.understand import Reading, Understanding, Understood, filled
from desk.web.access import Caller
from desk.wiring import Opened
from evals.chat.cases import SPLITS, Case, Split, cases, eval_names
from labcrew.domain.base import Model

_ACTED = re.compile(r"(ticket|gate|merge_request)\.(assigned|paused|resumed|retried|stopped|budget"
                    r"|decided|commented)")  # fmt: skip
Read = Callable[[Case], Understood]


class Share(Model):
    """Hits of tries, with Wilson's 95% interval (1927)."""

    hits: int
    of: int
    low: float = 0.0
    high: float = 1.0

    @classmethod
    def counted(cls, hits: Sequence[bool]) -> "Share":
        if not hits:
            return cls(hits=0, of=0)
        interval = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
        return cls(
            hits=sum(hits),
            of=len(hits),
            low=round(float(interval.low), 4),
            high=round(float(interval.high), 4),
        )

    def __str__(self) -> str:
        share = self.hits / self.of if self.of else 0.0
        return f"{self.hits}/{self.of} {share:.1%} [{self.low:.1%}, {self.high:.1%}]"


class Measured(Model):
    """One split, understood one way."""

    split: Split
    way: str
    intent: Share = Field(description="the right intent, and taken for sure")
    slots: Share = Field(description="of those with the right intent: exactly the right slots")
    both: Share
    both_new: Share = Field(description="the same, of messages that no example is like, ids aside")
    unsure: Share = Field(description="asked what is meant instead")
    right_among_offered: Share = Field(description="of those asked: the right intent was offered")
    wrong_actions: Share = Field(description="an action was read that was not meant")


class Said(Model):
    """What came of saying every message in a real home."""

    messages: int
    statements: int
    numbers_or_ids_wrong: int = Field(description="not in the records that a statement names")
    done_without_yes: int
    proposals: int
    wrong_statements: tuple[str, ...] = ()


class ChatResult(Model):
    """All that `labcrew eval chat` measures."""

    examples: int
    splits: tuple[Measured, ...]
    said: Said


def measure(opened: Opened, recogniser: Recogniser) -> ChatResult:
    """Measures everything; a minute.

    Args:
        opened: a home that `evals.chat.home.fill` has filled.
        recogniser: tells intents apart.
    """
    known = eval_names()
    understanding = Understanding(recogniser)
    nearest = _Nearest()
    ways: tuple[tuple[str, Read], ...] = (
        ("coordinator", lambda case: understanding.read(case.say, known, case.focus)),
        ("nearest by TF-IDF", lambda case: nearest.read(case, known)),
    )
    return ChatResult(
        examples=len(examples()),
        splits=tuple(one(split, name, read) for split in SPLITS for name, read in ways),
        said=say_all(opened),
    )


def one(split: Split, way: str, read: Read) -> Measured:
    """How one way understands a split."""
    every = cases(split)
    taught = {masked(text) for text, _ in examples()}
    made = [(case, read(case)) for case in every]
    right = [_right_intent(case, got) for case, got in made]
    slots = [_right_slots(case, got) for case, got in made]
    doubts = [(case, got) for case, got in made if not got.readings]
    return Measured(
        split=split,
        way=way,
        intent=Share.counted(right),
        slots=Share.counted([s for s, i in zip(slots, right, strict=True) if i]),
        both=Share.counted([s and i for s, i in zip(slots, right, strict=True)]),
        both_new=Share.counted(
            [
                s and i
                for (case, _), s, i in zip(made, slots, right, strict=True)
                if masked(case.say) not in taught
            ]
        ),
        unsure=Share.counted([not got.readings for _, got in made]),
        right_among_offered=Share.counted(
            [case.intent in {r.intent for r in got.unsure} for case, got in doubts]
        ),
        wrong_actions=Share.counted([_wrong_action(case, got) for case, got in made]),
    )


def say_all(opened: Opened) -> Said:
    """Says every message of every split in a thread of its own, as someone who may do all."""
    caller = Caller(name="ada", role="approver")
    talking = coordinator(opened)
    before = _acted(opened)
    statements, proposals = 0, 0
    wrong: list[str] = []
    every = [case for split in SPLITS for case in cases(split)]
    for case in every:
        thread = talking.threads.open(caller.name).id
        reply = asyncio.run(talking.say(thread, case.say, caller))
        proposals += bool(reply.proposal)
        for statement in reply.statements:
            statements += 1
            named = set(re.findall(r"\d+", case.say))  # what the person said themselves
            missing = [m for m in unsupported(statement, opened.ledger) if statement.rows
                       or not set(re.findall(r"\d+", m.lower())) <= _as_ids(named)]  # fmt: skip
            wrong += [f"{case.say} → {statement.text} ({', '.join(missing)})"] * bool(missing)
    return Said(
        messages=len(every),
        statements=statements,
        numbers_or_ids_wrong=len(wrong),
        done_without_yes=_acted(opened) - before,
        proposals=proposals,
        wrong_statements=tuple(wrong),
    )


def _as_ids(numbers: set[str]) -> set[str]:
    return numbers | {f"{int(n):03d}" for n in numbers}


def _acted(opened: Opened) -> int:
    return sum(bool(_ACTED.fullmatch(event.kind)) for event in opened.ledger.events.of(None))


def _wanted(case: Case) -> dict[str, Any]:
    outside = {"say", "intent", "focus", "also"}
    return case.model_dump(mode="json", exclude_defaults=True, exclude=outside)


def _right_intent(case: Case, got: Understood) -> bool:
    intents = [reading.intent for reading in got.readings]
    return intents == [case.intent, *([case.also.intent] if case.also else [])]


def _right_slots(case: Case, got: Understood) -> bool:
    if not got.readings:
        return False
    have = got.readings[0].slots.filled()
    if "budget" in have:
        have["budget"] = [str(change) for change in got.readings[0].slots.budget]
    right = have == _wanted(case)
    if case.also is not None:
        right = right and len(got.readings) == 2
        right = right and got.readings[1].slots.tickets == case.also.tickets
    return right


def _wrong_action(case: Case, got: Understood) -> bool:
    meant: set[Intent] = {case.intent, *([case.also.intent] if case.also else [])}
    return any(r.intent in ACTIONS and r.intent not in meant for r in got.readings)


class _Nearest:
    """The control: the example that shares the rarest words with a message gives its intent."""

    def __init__(self) -> None:
        self._taught = [(_words(text), intent) for text, intent in examples()]
        seen = Counter(word for words, _ in self._taught for word in words)
        self._rarity = {word: log((1 + len(self._taught)) / (1 + n)) for word, n in seen.items()}

    def read(self, case: Case, known: Known) -> Understood:
        said = _words(case.say)
        intent = max(self._taught, key=lambda one: self._likeness(said, one[0]))[1]
        slots = filled(intent, case.say, names(case.say, known), case.focus)
        return Understood(readings=(Reading(intent=intent, slots=slots),))

    def _likeness(self, a: Counter[str], b: Counter[str]) -> float:
        weight = self._rarity
        common = sum(weight[w] ** 2 * a[w] * b[w] for w in a.keys() & b.keys() if w in weight)
        return common / (self._length(a) * self._length(b) or 1.0)

    def _length(self, words: Counter[str]) -> float:
        return sqrt(sum((self._rarity.get(w, 3.0) * n) ** 2 for w, n in words.items()))


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9']+", masked(text)))
