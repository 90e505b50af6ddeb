"""Memory or disk that has run out, by words that surely mean it."""

import re

from agents.monitoring.detector import Detector
from agents.monitoring.ending import MEMORY_WORDS, STORAGE_WORDS
from labcrew.domain.monitoring import Alarm, Expectations, IncidentKind, Observation, Usage
from tools.metric_names import role

_TEXT = 1000
_GRACE_S = 10.0
"""Seconds that a run has, after such words, to show that it goes on."""
_TRAINED = frozenset({"train_loss", "train_metric"})
_WORDS: tuple[tuple[IncidentKind, str, tuple[str, ...], re.Pattern[str]], ...] = (
    (
        "out_of_memory",
        "memory ran out",
        ("emory", "MEMORY", "bad_alloc", "ALLOC", "oom-", "llocate", "EXHAUSTED"),
        MEMORY_WORDS,
    ),
    (
        "storage_full",
        "the disk is full",
        ("o space", "rrno 28", "rrno 122", "uota exceeded", "is full"),
        STORAGE_WORDS,
    ),
)
"""Kind, what it means, what to look for first, the words."""


class Told(Detector):
    """A line with the fixed words of an allocator, a kernel or an errno (POSIX ENOSPC, EDQUOT).

    Such words are no alarm while the run goes on: what is caught is no crash. A program that looks
    for its batch size runs out of memory, takes a smaller one and trains on; one that can't write
    its cache does without. A training loss or metric shows it, a step or a bar that moved.
    """

    def __init__(self, expected: Expectations) -> None:
        self._step: int | None = None
        self._done: tuple[int, int] | None = None
        self._told: dict[IncidentKind, tuple[float, Alarm]] = {}

    def see(self, seen: Observation) -> Alarm | None:
        goes_on = self._moved(seen) or any(role(name) in _TRAINED for name in seen.numbers)
        text = seen.text[:_TEXT]
        for kind, what, hints, words in _WORDS:
            if any(hint in text for hint in hints) and words.search(text):
                goes_on = False
                if kind not in self._told:
                    self._told[kind] = (seen.at_s, self._alarm(kind, text, what))
        if goes_on:
            self._told.clear()
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        for kind, (since_s, alarm) in self._told.items():
            if at_s - since_s > _GRACE_S:
                del self._told[kind]
                return alarm
        return None

    def _moved(self, seen: Observation) -> bool:
        before = (self._step, self._done)
        if seen.step is not None:
            self._step = seen.step
        if seen.done is not None:
            self._done = seen.done
        return (self._step, self._done) != before

    def _alarm(self, kind: IncidentKind, text: str, what: str) -> Alarm:
        return Alarm(
            kind=kind,
            diagnosis=f"{what}, by its own words: {text[:200].strip()}",
            confidence=0.85,
            step=self._step,
            since_step=self._step,
            lines=(text[:500],),
        )
