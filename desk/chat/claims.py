"""Deeds that a sentence says were done, held against what the records say."""

import re
from collections.abc import Sequence

from desk.chat.facts import ids
from labcrew.domain.conversation import Statement

_BUDGET = r"(?:raised|increased|extended|lowered|changed)"
_DEEDS = {
    "pause": r"paused|suspended",
    "resume": r"resumed|let the (?:ticket|loop) go on",
    "stop": r"stopped|halted|aborted|terminated",
    "retry": r"retried|restarted|tried again|restart (?:same|lower|with)",
    "cancel": r"cancell?ed",
    "accept": r"accepted|approved|accept at|^accept$",
    "reject": r"rejected|turned down|ignore at|^ignore$",
    "merge": r"merged",
    "assign": r"assigned",
    "comment": r"commented",
    "record": r"(?:approval|decision|comment|answer)\b.{0,60}\b(?:recorded|registered|submitted)",
    "budget": rf"budget\b.{{0,60}}\b{_BUDGET}|{_BUDGET}\b.{{0,60}}\bbudget",
}
"""What a person can have done here: in a participle, or in the words of what tools return."""
_ANY = {deed: re.compile(rf"\b(?:{words})\b", re.I) for deed, words in _DEEDS.items()}
_LISTED = re.compile(r"(?<=\d)\s*(?:,|,?\s*\band\b)\s*(?=[TADE]-\d)", re.I)
"""Between two ids."""
_CLAUSE = re.compile(r"[,;:()\u2014\u2013]|(?<=[.?!])\s|\b(?:and|but|so)\b", re.I)
_OPEN = re.compile(
    r"\b(?:not|no|never|nothing|nobody|none|neither|nor|without|cannot"
    r"|be|would|could|should|might|if|(?<!at )once|until|unless|whether)\b|n['\u2019]t\b",
    re.I,
)
"""Before a deed's word: it was not done, or may be, or will be."""


def unfounded(sentence: str, records: Sequence[Statement], asked: str) -> bool:
    """Whether a sentence says that something was done which no record says.

    Args:
        sentence: a model's.
        records: what its tools returned.
        asked: what the person said: a sentence without ids speaks of those in it.
    """
    spoken_of = ids(sentence) or ids(asked) or [""]
    said = {
        (deed, id)
        for clause in _clauses(sentence)
        for deed in _done(clause)
        for id in ids(clause) or spoken_of
    }
    known = [(record, _done(record.text)) for record in records] if said else []
    return any(
        not any(deed in done and _about(record, id) for record, done in known) for deed, id in said
    )


def _clauses(text: str) -> list[str]:
    clauses = (one.strip() for one in _CLAUSE.split(_LISTED.sub(" ", text)))
    return [one.rstrip(".!") for one in clauses if not one.endswith("?")]


def _done(text: str) -> set[str]:
    """The deeds that a text says were done."""
    said = set()
    for clause in _clauses(text):
        opened = _OPEN.search(clause)
        before = len(clause) if opened is None else opened.start()
        said |= {deed for deed, words in _ANY.items() if words.search(clause, 0, before)}
    return said


def _about(record: Statement, id: str) -> bool:
    """Whether a record speaks of what an id names; a count speaks of none, "" is anything."""
    if id in record.text:
        return True
    return not record.figures and any(id in (row.ticket, row.id) for row in record.rows)
