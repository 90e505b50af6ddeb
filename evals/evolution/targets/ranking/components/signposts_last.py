"""
---
name: signposts-last
for: Holds sentences back that point elsewhere in a paper or say that a subject matters.
needs: [worth]
put: wrap function worth
---
"""

import re


def worth(texts: Sequence[str], near: list[float], questions: Sequence[str]) -> list[float]:
    """The worth as it was, and less for a sentence that only points the way."""
    return [
        value - SIGNPOST * bool(_SIGNPOST.search(text))
        for value, text in zip(before(texts, near, questions), texts, strict=True)
    ]


SIGNPOST = 0.05  # 0.0..0.4
_SIGNPOST = re.compile(
    r"\b(?:Section|Table|Figure|Fig\.|Appendix|Equation|Algorithm|supplementary|related work|survey"
    r"|in this paper|literature|we (?:refer|follow|thank|omit|describe|discuss|define|review))\b"
    r"|\b(?:widely|commonly|well[- ]known|important role|popular|introduced)\b",
    re.IGNORECASE,
)
