"""What was learnt about something: the lessons and findings whose meaning is nearest."""

import re

from desk.chat.answers.asking import Asked
from desk.chat.telling import LISTED, Answer, nothing, quoted
from labcrew.domain.conversation import Focus, Statement
from labcrew.domain.research import Finding, Lesson

_NEAR = 0.3
_WITH_WORD = 0.15
"""Added where a word of the question stands in the text as it is."""
_TOLD = 5


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
    told = _nearest(asked, topic)
    if not told:
        return nothing(f'Nothing was learnt or read here about "{quoted(topic, 80)}" yet.')
    return Answer(statements=tuple(told))


def _nearest(asked: Asked, topic: str) -> list[Statement]:
    words = {word.rstrip("s") for word in re.findall(r"[a-z]{4,}", topic.lower())}
    found: list[tuple[float, Lesson | Finding]] = []
    for scope in ("lessons", "findings"):
        for hit in asked.recall.search(topic[:500], scope, 3 * _TOLD):
            records = asked.ledger.lessons if scope == "lessons" else asked.ledger.findings
            record = records.find(hit.record.id)
            has = any(word in hit.record.text.lower() for word in words)
            if record is not None and hit.similarity + _WITH_WORD * has >= _NEAR:
                found.append((hit.similarity + _WITH_WORD * has, record))
    best = sorted(found, key=lambda one: -one[0])[:_TOLD]
    return [
        _lesson(asked, record) if isinstance(record, Lesson) else _finding(asked, record)
        for _, record in best
    ]


def _lesson(asked: Asked, one: Lesson) -> Statement:
    said = f'Learnt at {one.ticket}: "{quoted(one.text, 400)}"'
    return asked.tell.say(said, ("lessons", one.id))


def _finding(asked: Asked, one: Finding) -> Statement:
    source = quoted(f"{one.citation.title}, {one.citation.locator}", 160)
    checked = "not verified" if one.citation.verification == "unverified" else "source seen"
    said = f'Read for {one.ticket}: "{quoted(one.claim, 400)}" ({source}; {checked})'
    return asked.tell.say(said, ("findings", one.id))
