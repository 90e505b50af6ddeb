"""Memory or disk that has run out, by words that surely mean it."""

from agents.monitoring.detector import Detector
from agents.monitoring.ending import MEMORY_WORDS, STORAGE_WORDS
from labcrew.domain.monitoring import Alarm, Expectations, IncidentKind, Observation

_TEXT = 1000
_HINTS = ("emory", "MEMORY", "bad_alloc", "ALLOC", "oom-", "llocate", "EXHAUSTED")
_FULL = ("o space", "rrno 28", "rrno 122", "uota exceeded", "is full")


class Told(Detector):
    """A line with the fixed words of an allocator, a kernel or an errno (POSIX ENOSPC, EDQUOT).

    A traceback alone is no alarm while the run goes on: what is caught is no crash.
    """

    def __init__(self, expected: Expectations) -> None:
        self._step: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        if seen.step is not None:
            self._step = seen.step
        text = seen.text[:_TEXT]
        if any(hint in text for hint in _HINTS) and MEMORY_WORDS.search(text):
            return self._alarm("out_of_memory", text, "memory ran out")
        if any(hint in text for hint in _FULL) and STORAGE_WORDS.search(text):
            return self._alarm("storage_full", text, "the disk is full")
        return None

    def _alarm(self, kind: IncidentKind, text: str, what: str) -> Alarm:
        return Alarm(
            kind=kind,
            diagnosis=f"{what}, by its own words: {text[:200].strip()}",
            confidence=0.85,
            step=self._step,
            since_step=self._step,
            lines=(text[:500],),
        )
