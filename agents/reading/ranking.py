"""Which sentences answer a question: near to it, and not all alike."""

from collections.abc import Sequence
from typing import Any

BALANCE = 0.7  # 0.3..1.0


def best_first(
    texts: Sequence[str],
    vectors: list[list[float]],
    questions: Sequence[str],
    asked: list[list[float]],
    limit: int,
) -> list[int]:
    """Indices of the sentences that answer best, best first, and not all alike.

    Args:
        texts, vectors: the sentences, and a unit vector of each.
        questions, asked: what is asked, and a unit vector of each; at least one.
        limit: most indices.
    """
    near = relevance(vectors, asked)
    return diverse(vectors, worth(texts, near, questions), limit, BALANCE)


def worth(texts: Sequence[str], near: list[float], questions: Sequence[str]) -> list[float]:
    """What each sentence is worth as an answer, by its words and its relevance."""
    return near


def relevance(vectors: list[list[float]], queries: list[list[float]]) -> list[float]:
    """The largest cosine similarity of each vector to any query.

    Args:
        vectors, queries: unit vectors, shapes (n, d) and (q, d), q at least 1.
    """
    import numpy as np

    if not vectors:
        return []
    near = np.asarray(vectors) @ np.asarray(queries).T
    return [float(value) for value in np.clip(near.max(axis=1), -1, 1)]


def diverse(
    vectors: list[list[float]], relevances: list[float], limit: int, balance: float = 0.7
) -> list[int]:
    """Indices of the best sentences, best first, each new one little like those before it.

    Maximal marginal relevance: next comes what maximises
    balance · relevance - (1 - balance) · (largest similarity to anything chosen), after Carbonell &
    Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents and
    producing summaries" (SIGIR). Equal values go by position.

    Args:
        vectors: unit vectors, shape (n, d).
        relevances: n numbers.
        limit: most indices.
        balance: 1 is relevance alone, 0 novelty alone.
    """
    import numpy as np

    count = len(vectors)
    if count == 0 or limit < 1:
        return []
    matrix: np.ndarray[Any, Any] = np.asarray(vectors)
    worth = np.asarray(relevances, dtype=float)
    alike = np.zeros(count)
    open_ = np.ones(count, dtype=bool)
    chosen: list[int] = []
    for _ in range(min(limit, count)):
        value = np.where(open_, balance * worth - (1 - balance) * alike, -np.inf)
        best = int(np.argmax(np.round(value, 9)))
        chosen.append(best)
        open_[best] = False
        alike = np.maximum(alike, matrix @ matrix[best])
    return chosen
