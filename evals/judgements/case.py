"""A case: a question, and a function that says how good an answer is."""

import math
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from labcrew.judgement import Judgement

Scorer = Callable[[Any], float]
"""An answer that passed the judgement's own check → 0 (worthless) to 1 (right)."""


@dataclass(frozen=True)
class Case:
    """One question with what is known of its answer.

    Args:
        name: unique among the judgement's cases.
        judgement: whose question it is.
        question: as a ticket would ask it.
        score: of an answer, from 0 to 1; deterministic.
        right: an answer that scores 1, which shows that the case can be solved.
    """

    name: str
    judgement: Judgement[Any, Any]
    question: BaseModel
    score: Scorer
    right: BaseModel


def choice(field: str, best: Iterable[Any], fair: Iterable[Any] = ()) -> Scorer:
    """1 for one of the best choices, a half for a fair one, else 0.

    Args:
        field: of the answer.
        best: what a careful person would choose.
        fair: what does no harm, but is not the best.
    """
    good, passable = set(best), set(fair)

    def score(answer: Any) -> float:
        chosen = getattr(answer, field)
        return 1.0 if chosen in good else 0.5 if chosen in passable else 0.0

    return score


def f1(found: Iterable[Hashable], right: Iterable[Hashable]) -> float:
    """The harmonic mean of precision and recall; 1 where there is nothing and nothing is found."""
    got, wanted = set(found), set(right)
    if not got and not wanted:
        return 1.0
    return 2 * len(got & wanted) / (len(got) + len(wanted))


def share(checks: Iterable[bool]) -> float:
    """The share of checks that hold."""
    held = list(checks)
    return math.fsum(held) / len(held)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def says(text: str, words: Iterable[str]) -> bool:
    """Whether a text holds one of some beginnings of words, in any case."""
    return any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words)


def numbers_of(text: str) -> set[float]:
    """The numbers that a text holds, without their signs."""
    return {float(number) for number in _NUMBER.findall(text)}


def sentences(text: str) -> int:
    """About how many sentences a text has."""
    return len(re.findall(r"[.!?](?:\s|$)", text.strip())) or 1


_MARKUP = re.compile(r"[*#`|<>\[\]]")


def is_plain(text: str) -> bool:
    """Whether a text is free of Markdown and HTML."""
    return _MARKUP.search(text) is None
