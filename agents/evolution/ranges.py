"""What a constant of a program may be: as a comment beside it says, or else by guess."""

import math
import re
from ast import literal_eval

from labcrew.domain.search_space import (
    ChoiceParameter,
    FloatParameter,
    IntParameter,
    Parameter,
    Value,
    legal,
)

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s+(?:(log)|step\s+({_NUMBER})))?")
_CHOICES = re.compile(r"one of:\s*(.+)$")
_FIXED = re.compile(r"\bfixed\b")
_LEFT_ALONE = re.compile(r"seed|version|encoding|__|^_?(?:id|name|path|url|port)s?$", re.I)
"""Names of what is no setting. A seed is none: the luckiest would be chosen."""
_MOST_CHOICES = 50
_KNOWN: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 1.5),
    "top_p": (0.05, 1.0),
    "min_p": (0.0, 0.5),
    "top_k": (0, 100),
    "repeat_penalty": (0.9, 1.5),
    "dropout": (0.0, 0.9),
    "momentum": (0.0, 0.99),
}
"""Settings that are known by their names."""


def parameter_of(
    name: str, value: Value, comment: str = "", choices: tuple[Value, ...] = ()
) -> Parameter | None:
    """What a constant may be; None where it is to stay, or nothing is known of it.

    Args:
        name: the last word of its address.
        value: as it is now.
        comment: the one on its line, without `#`.
        choices: of a `Literal` annotation.
    """
    if _FIXED.search(comment):
        return None
    try:
        found = _told(value, comment, choices)
        if found is not None:
            return found if legal(found, value) else None
        if isinstance(value, str) or _LEFT_ALONE.search(name):
            return None
        return _guessed(name, value)
    except (ValueError, OverflowError, SyntaxError, TypeError):
        return None  # words that happen to look like a range, or a number beyond all bounds


def is_stated(comment: str, choices: tuple[Value, ...] = ()) -> bool:
    """Whether the program itself says what a constant may be."""
    return bool(choices or _RANGE.search(comment) or _CHOICES.search(comment))


def _told(value: Value, comment: str, choices: tuple[Value, ...]) -> Parameter | None:
    if choices:
        return ChoiceParameter(type="choice", choices=choices[:_MOST_CHOICES])
    listed = _CHOICES.search(comment)
    if listed is not None:
        words = [word.strip() for word in listed[1].split(",")][:_MOST_CHOICES]
        read = tuple(dict.fromkeys(_word(word, value) for word in words if word))
        return ChoiceParameter(type="choice", choices=read)
    span = _RANGE.search(comment)
    if span is None or isinstance(value, bool | str):
        return None
    low, high, log, step = float(span[1]), float(span[2]), bool(span[3]), span[4]
    if isinstance(value, int):
        return IntParameter(
            type="int", low=int(low), high=int(high), log=log, step=int(float(step or 1))
        )
    return FloatParameter(
        type="float", low=low, high=high, log=log, step=float(step) if step else None
    )


def _word(word: str, like: Value) -> Value:
    """A listed alternative, of the type of the value that stands there."""
    if isinstance(like, str):
        return word.strip("'\"")
    read = literal_eval(word) if len(word) < 40 else None
    if isinstance(like, float) and isinstance(read, int) and not isinstance(read, bool):
        return float(read)
    if type(read) is not type(like):
        raise ValueError(f"{word} is no {type(like).__name__}")
    return read


def _guessed(name: str, value: Value) -> Parameter | None:
    if isinstance(value, bool):
        return ChoiceParameter(type="choice", choices=(False, True))
    if isinstance(value, str) or not math.isfinite(value) or abs(value) > 1e12:
        return None
    known = _KNOWN.get(name.lower())
    if known is not None and known[0] <= value <= known[1]:
        low, high = known
    else:
        low, high = _around(value)
    log = low > 0 and high / low >= 100
    if isinstance(value, int):
        return IntParameter(type="int", low=int(low), high=int(high), log=log)
    return FloatParameter(type="float", low=low, high=high, log=log)


def _around(value: float) -> tuple[float, float]:
    """A wide range round a number, of its sign."""
    size = abs(value)
    if isinstance(value, int):
        low, high = (0, 4) if size < 2 else (max(1, size // 8), size * 8 if size > 16 else size * 4)
    elif size == 0 or 0.05 <= size <= 1:
        low, high = 0.0, 1.0
    else:
        low, high = (size / 10, size * 10) if size < 0.05 else (size / 5, size * 5)
    return (low, high) if value >= 0 else (-high, -low)
