"""
---
name: relevance-feedback
for: Moves the question towards the sentences that are nearest to it.
needs: [best_first, relevance]
put: wrap function best_first
---
"""

from collections.abc import Sequence


def best_first(
    texts: Sequence[str],
    vectors: list[list[float]],
    questions: Sequence[str],
    asked: list[list[float]],
    limit: int,
) -> list[int]:
    """As before, after the questions have been moved towards their nearest sentences.

    After Rocchio 1971, "Relevance feedback in information retrieval", with the first few taken for
    relevant.
    """
    import numpy as np

    if not vectors:
        return []
    moved = []
    for question in asked:
        near = np.argsort(relevance(vectors, [question]))[::-1][:TAKEN]
        towards = np.asarray(question) + MOVED * np.asarray(vectors)[near].mean(axis=0)
        moved.append((towards / np.linalg.norm(towards)).tolist())
    return before(texts, vectors, questions, moved, limit)


TAKEN = 3  # 1..10
MOVED = 0.3  # 0.0..1.5
