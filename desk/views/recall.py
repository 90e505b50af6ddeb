"""What the ledger remembers, searched by meaning, whoever owns the crew's memory."""

import threading
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import numpy as np
from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.remembered import (
    REMEMBERED_TRIALS,
    record_of_finding,
    record_of_knowledge,
    record_of_lesson,
)
from labcrew.domain.research import Embedder, MemoryRecord
from labcrew.ledger import Ledger
from labcrew.trial_records import records_of_trials

Scope = Literal["lessons", "findings", "trials"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
_NEWEST = 1000
_BATCH = 64


class Remembered(Model):
    """A record found by meaning."""

    record: MemoryRecord
    similarity: float = Field(ge=-1, le=1)


class Recall:
    """Searches the newest thousand records of a scope; the vectors of texts are kept.

    The crew's own index has one owner process, so the desk embeds for itself.

    Args:
        ledger: only read.
        embedder: makes vectors of texts.
    """

    def __init__(self, ledger: Ledger, embedder: Embedder) -> None:
        self._ledger = ledger
        self._embedder = embedder
        self._vectors: dict[Scope, Mapping[str, list[float]]] = {}
        self._turn = threading.Lock()

    def search(self, query: str, scope: Scope, limit: int) -> tuple[Remembered, ...]:
        """The records nearest in meaning, best first.

        Args:
            query: in plain words.
            scope: what is searched.
            limit: how many at most.
        """
        records = list({record.key: record for record in self._records(scope)}.values())
        if not records or not query.strip():
            return ()
        with self._turn:
            vectors = self._embedded(scope, [record.text for record in records])
            asked = self._embedder.embed([query])[0]
        nearness = np.clip(np.asarray(vectors) @ np.asarray(asked), -1.0, 1.0)
        best = np.argsort(-nearness, kind="stable")[:limit]
        return tuple(
            Remembered(record=records[i], similarity=float(nearness[i])) for i in best.tolist()
        )

    def _embedded(self, scope: Scope, texts: list[str]) -> list[list[float]]:
        known = self._vectors.get(scope, {})
        new = [text for text in dict.fromkeys(texts) if text not in known]
        made: dict[str, list[float]] = {}
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            made.update(zip(batch, self._embedder.embed(batch), strict=True))
        # What is no longer among the newest is forgotten.
        kept = {text: made[text] if text in made else known[text] for text in texts}
        self._vectors[scope] = kept
        return [kept[text] for text in texts]

    def _records(self, scope: Scope) -> Iterable[MemoryRecord]:
        if scope == "lessons":
            for _, lesson in self._ledger.lessons.page(limit=_NEWEST):
                yield record_of_lesson(lesson)
            for _, known in self._ledger.knowledge.page(limit=_NEWEST):
                yield record_of_knowledge(known)
        elif scope == "findings":
            for _, finding in self._ledger.findings.page(limit=_NEWEST):
                yield record_of_finding(finding)
        else:
            trials = (trial for _, trial in self._ledger.trials.page(limit=_NEWEST))
            ended = (trial for trial in trials if trial.status in REMEMBERED_TRIALS)
            yield from records_of_trials(self._ledger, ended)
