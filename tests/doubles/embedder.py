"""An embedder of hashed words: no model, equal words near each other."""

import hashlib
import math
import re


class WordEmbedder:
    """Counts words into 64 buckets; texts that share words are near."""

    dimensions = 64

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> list[float]:
        counts = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.casefold()) or ["(empty)"]:
            data = word.encode("utf-8", "replace")
            counts[hashlib.sha256(data).digest()[0] % self.dimensions] += 1
        length = math.sqrt(sum(c * c for c in counts))
        return [c / length for c in counts]
