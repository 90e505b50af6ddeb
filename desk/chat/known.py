"""What a lab's records hold that a person may name: tickets with their titles, and metrics."""

import re
from collections.abc import Mapping

from labcrew.domain.base import Model
from labcrew.ledger import Ledger

_WORD = re.compile(r"[a-z][a-z-]{3,}")
_MOST = 2000
_COMMON = frozenset(
    [
        "about",
        "after",
        "again",
        "better",
        "best",
        "data",
        "different",
        "from",
        "improve",
        "learning",
        "less",
        "lower",
        "model",
        "more",
        "network",
        "rate",
        "rates",
        "score",
        "search",
        "settings",
        "that",
        "test",
        "ticket",
        "trial",
        "train",
        "training",
        "tune",
        "tuning",
        "which",
        "with",
    ]
)


class Known(Model):
    """Names that mean something here.

    Args:
        titles: ticket → its title.
        metrics: names of what is measured.
        words: a word that stands in one title alone → that ticket.
    """

    titles: Mapping[str, str] = {}
    metrics: frozenset[str] = frozenset()
    words: Mapping[str, str] = {}


def known(ledger: Ledger) -> Known:
    """The names in a ledger; of its newest 2,000 tickets."""
    tickets = ledger.tickets.all(limit=_MOST)
    return named({t.id: t.ticket.title for t in tickets}, {t.ticket.metric.name for t in tickets})


def named(titles: Mapping[str, str], metrics: set[str]) -> Known:
    """The names in these titles, with the words that tell one from the others."""
    found: dict[str, set[str]] = {}
    for id, title in titles.items():
        for word in set(_WORD.findall(title.lower())) - _COMMON:
            found.setdefault(word, set()).add(id)
    words = {word: ids.pop() for word, ids in found.items() if len(ids) == 1}
    return Known(
        titles=dict(titles), metrics=frozenset(name.lower() for name in metrics), words=words
    )
