"""
---
name: centred-vectors
for: Takes away from every vector what all sentences have in common.
needs: [best_first]
put: wrap function best_first
---
"""

from collections.abc import Sequence
from typing import Any


def best_first(
    texts: Sequence[str],
    vectors: list[list[float]],
    questions: Sequence[str],
    asked: list[list[float]],
    limit: int,
) -> list[int]:
    """As before, on vectors without the sentences' mean.

    After Mu & Viswanath 2018, "All-but-the-top: simple and effective postprocessing for word
    representations" (ICLR).
    """
    import numpy as np

    if len(vectors) < 3:
        return before(texts, vectors, questions, asked, limit)
    mean = CENTRED * np.mean(vectors, axis=0)

    def centred(rows: list[list[float]]) -> list[list[float]]:
        moved: np.ndarray[Any, Any] = np.asarray(rows) - mean
        made: list[list[float]] = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).tolist()
        return made

    return before(texts, centred(vectors), questions, centred(asked), limit)


CENTRED = 0.5  # 0.0..1.0
