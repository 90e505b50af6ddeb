"""Memory or disk that has run out, by words that surely mean it."""

from agents.monitoring.detector import Detector
from agents.monitoring.ending import MEMORY_WORDS, STORAGE_WORDS
from labcrew.domain.monitoring import Alarm, Expectations, IncidentKind, Observation, Usage
from tools.metric_names import role

_TEXT = 1000
_GRACE_S = 10.0
"""Seconds that a run has, after words of memory, to show that it trains on."""
_TRAINED = frozenset({"train_loss", "train_metric"})
_HINTS = ("emory", "MEMORY", "bad_alloc", "ALLOC", "oom-", "llocate", "EXHAUSTED")
_FULL = ("o space", "rrno 28", "rrno 122", "uota exceeded", "is full")


class Told(Detector):
    """A line with the fixed words of an allocator, a kernel or an errno (POSIX ENOSPC, EDQUOT).

    A traceback alone is no alarm while the run goes on: what is caught is no crash. So with memory:
    a program that looks for its batch size runs out of it, takes a smaller one and trains on.
    """

    def __init__(self, expected: Expectations) -> None:
        self._step: int | None = None
        self._memory: Alarm | None = None
        self._at_s = 0.0

    def see(self, seen: Observation) -> Alarm | None:
        if seen.step is not None:
            self._step = seen.step
        text = seen.text[:_TEXT]
        if any(hint in text for hint in _HINTS) and MEMORY_WORDS.search(text):
            if self._memory is None:
                self._at_s = seen.at_s
                self._memory = self._alarm("out_of_memory", text, "memory ran out")
        elif any(role(name) in _TRAINED for name in seen.numbers):
            self._memory = None
        if any(hint in text for hint in _FULL) and STORAGE_WORDS.search(text):
            return self._alarm("storage_full", text, "the disk is full")
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        return self._memory if at_s - self._at_s > _GRACE_S else None

    def _alarm(self, kind: IncidentKind, text: str, what: str) -> Alarm:
        return Alarm(
            kind=kind,
            diagnosis=f"{what}, by its own words: {text[:200].strip()}",
            confidence=0.85,
            step=self._step,
            since_step=self._step,
            lines=(text[:500],),
        )
