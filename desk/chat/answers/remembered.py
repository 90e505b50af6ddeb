"""What was learnt about something: the lessons and findings whose meaning is nearest."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, nothing, quoted
from labcrew.domain.conversation import Focus, Statement
from labcrew.domain.research import Embedder, Finding, Lesson

_NEAR = 0.3
_WITH_WORD = 0.15
"""Added where a word of the question stands in the text as it is."""
_SEARCHED = 2000
_TOLD = 5
_KEPT = 20_000


class _Vectors:
    """Vectors of texts that were embedded before; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = Lock()

    def of(self, texts: Sequence[str], embedder: Embedder) -> list[list[float]]:
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._kept]
            for text, vector in zip(new, embedder.embed(new), strict=True):
                self._kept[text] = vector
            found = [self._kept[text] for text in texts]
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


_VECTORS = _Vectors()


def learnt(asked: Asked) -> Answer:
    """Lessons first, then what was read; of one ticket where it is named."""
    named = asked.tickets()
    if named:
        lessons = [one for ticket in named for one in asked.ledger.lessons.of(ticket.id)]
        if not lessons:
            said = f"{named[0].id} has left no lesson yet."
            return Answer(
                statements=(asked.tell.say(said, ("tickets", named[0].id)),),
                focus=Focus(tickets=(named[0].id,)),
            )
        said_all = tuple(_lesson(asked, one) for one in lessons[:LISTED])
        return Answer(statements=said_all, focus=Focus(tickets=(named[0].id,)))
    topic = asked.slots.text
    if not topic:
        newest = [one for _, one in asked.ledger.lessons.page(limit=_TOLD)]
        if not newest:
            return nothing("Nothing was learnt here yet.")
        return Answer(statements=tuple(_lesson(asked, one) for one in newest))
    lessons = [one for _, one in asked.ledger.lessons.page(limit=_SEARCHED)]
    findings = [one for _, one in asked.ledger.findings.page(limit=_SEARCHED)]
    texts = [one.text for one in lessons] + [one.claim for one in findings]
    near = _nearest(topic, texts, asked.embedder)
    told: list[Statement] = []
    records: list[Lesson | Finding] = [*lessons, *findings]
    for at in near[:_TOLD]:
        record = records[at]
        told.append(
            _lesson(asked, record) if isinstance(record, Lesson) else _finding(asked, record)
        )
    if not told:
        return nothing(f'Nothing was learnt or read here about "{quoted(topic, 80)}" yet.')
    return Answer(statements=tuple(told))


def _nearest(topic: str, texts: Sequence[str], embedder: Embedder) -> list[int]:
    if not texts:
        return []
    asked, *vectors = _VECTORS.of([topic[:500], *(text[:2000] for text in texts)], embedder)
    words = set(re.findall(r"[a-z]{4,}", topic.lower()))
    scores = []
    for at, vector in enumerate(vectors):
        score = sum(a * b for a, b in zip(asked, vector, strict=True))
        low = texts[at].lower()
        has = any(word.rstrip("s") in low for word in words)
        scores.append((score + _WITH_WORD * has, at))
    return [at for score, at in sorted(scores, key=lambda one: -one[0]) if score >= _NEAR]


def _lesson(asked: Asked, one: Lesson) -> Statement:
    said = f'Learnt at {one.ticket}: "{quoted(one.text, 400)}"'
    return asked.tell.say(said, ("lessons", one.id))


def _finding(asked: Asked, one: Finding) -> Statement:
    source = quoted(f"{one.citation.title}, {one.citation.locator}", 160)
    checked = "not verified" if one.citation.verification == "unverified" else "source seen"
    said = f'Read for {one.ticket}: "{quoted(one.claim, 400)}" ({source}; {checked})'
    return asked.tell.say(said, ("findings", one.id))
