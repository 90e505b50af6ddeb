"""
---
name: findings-first
for: Prefers sentences that report an outcome to those that introduce a subject.
needs: [worth]
put: wrap function worth
---
"""

import re


def worth(texts: Sequence[str], near: list[float], questions: Sequence[str]) -> list[float]:
    """The worth as it was, and more for a sentence that compares or gives an amount."""
    return [
        value + OUTCOME * bool(_OUTCOME.search(text))
        for value, text in zip(before(texts, near, questions), texts, strict=True)
    ]


OUTCOME = 0.05  # 0.0..0.4
_OUTCOME = re.compile(
    r"[0-9]\s?%|[0-9] (?:points?|times|per cent)\b|\b(?:than|better|best|worse|worst|higher|lower"
    r"|gained|lost|raised|reduced|improved|rose|fell|halved|doubled|only when|without)\b",
    re.IGNORECASE,
)
