"""Checkpoints that were not written whole, as far as the log tells."""

import re
from collections import deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from agents.monitoring.robust import median
from labcrew.domain.monitoring import Alarm, Expectations, Observation

_WORDS = re.compile(
    r"(?:fail(?:ed|ure)|unable|could ?n[o']t|cannot|can't|error)\b.{0,40}"
    r"\b(?:sav|writ|stor|load|read)\w*.{0,40}\b(?:checkpoint|ckpt|weights|state|model)"
    r"|\b(?:checkpoint|ckpt|weights file)\b.{0,80}\b(?:corrupt|truncated|incomplete|unreadable)"
    r"|\b(?:corrupt|truncated|incomplete|unreadable)\w*\b.{0,40}\b(?:checkpoint|ckpt)"
    r"|PytorchStreamReader failed|Error while deserializing header|HeaderTooLarge"
    r"|UnpicklingError|zipfile\.BadZipFile"
    r"|unexpected end of (?:file|data).{0,80}(?:ckpt|checkpoint)",
    re.IGNORECASE,
)
_SIZE = re.compile(r"(?:^|_|/)(?:size|bytes|kb|kib|mb|mib|gb)$|^(?:size|bytes)", re.IGNORECASE)
_HINTS = ("heckpoint", "ckpt", "weights", "PytorchStream", "deserial", "npickling", "BadZip")
_SMALLER = 0.5


class BadCheckpoint(Detector):
    """A checkpoint that the log says failed, or whose printed size is zero or half of the usual.

    Plain rules: the words are those of PyTorch, safetensors, pickle and zipfile; a size is
    compared with the median of those before, since the checkpoints of one model differ little.
    Whether a file loads is for a sandbox to try.
    """

    def __init__(self, expected: Expectations) -> None:
        self._sizes: deque[float] = deque(maxlen=8)
        self._saved: int | None = None

    def see(self, seen: Observation) -> Alarm | None:
        text = seen.text[:500]
        if not seen.saved and not any(hint in text for hint in _HINTS):
            return None
        if _WORDS.search(text) and "traceback" not in text.lower():
            return self._alarm(
                seen, f"a checkpoint is bad, by its words: {text[:200].strip()}", 0.8
            )
        for name, value in seen.numbers.items():
            if not _SIZE.search(name) or value != value:
                continue
            usual = median(self._sizes) if len(self._sizes) >= 2 else None
            if value <= 0 or (usual is not None and value < _SMALLER * usual):
                was = f"; the ones before had {usual:g}" if usual is not None else ""
                return self._alarm(
                    seen,
                    f"the checkpoint {shown(seen.saved)} has {shown(name)} {value:g}{was}",
                    0.85,
                )
            self._sizes.append(value)
            break
        self._saved = seen.step if seen.step is not None else self._saved
        return None

    def _alarm(self, seen: Observation, diagnosis: str, confidence: float) -> Alarm:
        return Alarm(
            kind="bad_checkpoint",
            diagnosis=diagnosis,
            confidence=confidence,
            step=seen.step,
            since_step=self._saved,
            subject=shown(seen.saved),
            lines=(seen.text[:500],),
        )
