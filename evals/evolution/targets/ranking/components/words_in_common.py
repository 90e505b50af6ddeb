"""
---
name: words-in-common
for: Counts rare words that a sentence shares with the question.
needs: [worth]
put: wrap function worth
---
"""

import math
import re


def worth(texts: Sequence[str], near: list[float], questions: Sequence[str]) -> list[float]:
    """The worth as it was, and more for words shared with a question, rare ones most.

    Inverse document frequency after Spärck Jones 1972, "A statistical interpretation of term
    specificity and its application in retrieval" (Journal of Documentation 28).
    """
    stems = [_stems(text) for text in texts]
    found: dict[str, int] = {}
    for words in stems:
        for word in words:
            found[word] = found.get(word, 0) + 1
    rare = {word: math.log(1 + len(texts) / count) for word, count in found.items()}
    made = []
    for value, words in zip(before(texts, near, questions), stems, strict=True):
        best = 0.0
        for question in questions:
            wanted = _stems(question)
            most = sum(rare.get(word, math.log(1 + len(texts))) for word in wanted)
            best = max(best, sum(rare[word] for word in wanted & words) / most if most else 0.0)
        made.append(value + SHARED * best)
    return made


def _stems(text: str) -> set[str]:
    """The beginnings of a text's words, so that one word's forms are one."""
    return {word[:5] for word in re.findall(r"[a-z]{3,}|[0-9]+", text.casefold())}


SHARED = 0.1  # 0.0..1.0
