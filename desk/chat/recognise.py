"""Which intent a message has: kernel ridge regression over what examples mean and how they are
spelt (Schölkopf & Smola 2002), then what the message names.
"""

import math
import re
import threading
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from desk.chat.intents import INTENTS, Intent, examples
from labcrew.domain.base import Model
from labcrew.domain.research import Embedder

if TYPE_CHECKING:
    import numpy as np

_LONGEST = 600
_BUCKETS = 4096
_RIDGE = 0.3
_SPELLING = 0.5
_SHARPNESS = 9.0
_MASKS = (
    (re.compile("[\"“”«].*?[\"“”»]", re.S), " that "),
    (re.compile(r"\b[te]-?\d{1,9}-mr\d+('s)?\b", re.I), " the merge request "),
    (re.compile(r"\b[te]-?\d{1,9}-[a-z]+-r[\d.]+(?:-[0-9a-f]{12})?\b", re.I), " the gate "),
    (re.compile(r"\bt-?\d{1,9}-0*(\d{1,6})\b", re.I), r" trial \1 "),
    (re.compile(r"\b(?:the )?(?:ticket #?(?:\d+|one|two|three|four|five|six)|t-?\d{1,9})\b", re.I),
     " the ticket "),
    (re.compile(r"\b(?:the )?(?:loop )?e-\d{3,9}\b", re.I), " the ticket "),
    (re.compile(r"\brun (?=#?\d)", re.I), " trial "),
    (re.compile(r"\S+\.(?:md|markdown|ya?ml)\b", re.I), " ticket.md "),
    (re.compile(r"\S+\.\w{1,4}:\d+"), " a line "),
    (re.compile(r"\d+(?:[.,]\d+)?"), "3"),
    (re.compile(r"\s+"), " "),
)  # fmt: skip


class Likely(Model):
    """An intent and how likely it is, 0 to 1, beside the others."""

    intent: Intent
    share: float


class Recogniser:
    """Compares messages with the examples; learns at the first message, in less than a second.

    Args:
        embedder: gives texts their meaning as unit vectors.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._learnt: _Learnt | None = None

    def likely(self, text: str) -> list[Likely]:
        """All intents, likeliest first."""
        learnt = self._learn()
        scores = learnt.scores(learnt.mended(masked(text)), self._embedder)
        top = max(scores.values())
        weights = {name: math.exp(_SHARPNESS * (value - top)) for name, value in scores.items()}
        whole = sum(weights.values())
        shares = [Likely(intent=name, share=weight / whole) for name, weight in weights.items()]
        return sorted(shares, key=lambda one: -one.share)

    def _learn(self) -> "_Learnt":
        with self._lock:
            if self._learnt is None:
                self._learnt = _Learnt(examples(), self._embedder)
            return self._learnt


class _Learnt:
    def __init__(self, taught: Sequence[tuple[str, Intent]], embedder: Embedder) -> None:
        import numpy as np

        texts = [masked(text) for text, _ in taught]
        words = {word for text in texts for word in re.findall(r"[a-z]{5,}", text)}
        self._words = {word: word for word in sorted(words)}
        counts = [_pieces(text) for text in texts]
        seen = Counter(bucket for count in counts for bucket in count)
        self._rarity = {b: math.log((1 + len(texts)) / (1 + n)) + 1 for b, n in seen.items()}
        self._meaning = np.array(embedder.embed(texts))
        self._spelling = np.array([self._spelt(count) for count in counts])
        kernel = self._kernel(self._meaning, self._spelling)
        per = Counter(intent for _, intent in taught)
        wanted = np.array([[float(intent == name) for name in INTENTS] for _, intent in taught])
        # An intent with many examples must not weigh more than one with few.
        trust = np.array([len(taught) / len(per) / per[intent] for _, intent in taught])
        self._weights = np.linalg.solve(kernel + _RIDGE * np.diag(1 / trust), wanted)

    def mended(self, text: str) -> str:
        """A text whose words that no example has are those of examples, one slip away from them."""
        return re.sub(
            r"[a-z]{5,}", lambda match: self._words.get(match[0]) or self._near(match[0]), text
        )

    def _near(self, word: str) -> str:
        return next((known for known in self._words if _one_slip(word, known)), word)

    def scores(self, text: str, embedder: Embedder) -> dict[Intent, float]:
        import numpy as np

        meaning = np.array(embedder.embed([text]))
        spelling = np.array([self._spelt(_pieces(text))])
        row = (self._kernel(meaning, spelling) @ self._weights)[0]
        return {name: float(value) for name, value in zip(INTENTS, row, strict=True)}

    def _kernel(self, meaning: "np.ndarray[Any, Any]", spelling: "np.ndarray[Any, Any]") -> Any:
        return meaning @ self._meaning.T + _SPELLING * (spelling @ self._spelling.T)

    def _spelt(self, counts: Counter[int]) -> "np.ndarray[Any, Any]":
        import numpy as np

        vector = np.zeros(_BUCKETS)
        for bucket, n in counts.items():
            vector[bucket] = math.sqrt(n) * self._rarity.get(bucket, 0.0)
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector


def masked(text: str) -> str:
    """A message with its ids, numbers, files and quotations made alike, at most 600 characters."""
    text = text[: 4 * _LONGEST]
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text.strip().lower()[:_LONGEST] or "nothing"


def _pieces(text: str) -> Counter[int]:
    """Words, pairs of words and runs of three to five letters, which stand typing errors."""
    words = re.findall(r"[a-z0-9']+", text)
    pieces = [f"={word}" for word in words]
    pieces += [f"{a} {b}" for a, b in pairwise(words)]
    padded = f" {' '.join(words)} "
    pieces += [padded[at : at + n] for n in (3, 4, 5) for at in range(len(padded) - n + 1)]
    return Counter(zlib.crc32(piece.encode()) % _BUCKETS for piece in pieces)


def _one_slip(word: str, known: str) -> bool:
    """Whether two words that begin alike differ by one letter more, fewer, other, or by two that
    are exchanged.
    """
    if word[0] != known[0] or abs(len(word) - len(known)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), None)
    if at is None:
        return True
    rest, other = word[at:], known[at:]
    return (
        rest[1:] == other[1:]
        or rest[1:] == other
        or rest == other[1:]
        or (rest[:2] == other[:2][::-1] and rest[2:] == other[2:])
    )
