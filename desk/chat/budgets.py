"""Changes of a budget, as people say them: `40 trials`, `two more hours`, `double the trials`."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from desk.chat.slots import BudgetChange, BudgetField, count
from labcrew.domain.budget import Budget

_WORDS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
# Thousands in groups, as `1,000` and `2 500`; else a comma is decimal, before one or two digits.
_GROUPS = r"\d{1,3}(?:(?:,\d{3}){1,3}(?:\.\d{1,6})?|(?:[ \u00a0\u202f]\d{3}){1,3}(?:[.,]\d{1,2})?)"
_PLAIN = r"\d{1,12}(?:\.\d{1,6}|,\d{1,2})?"
_NUMBER = rf"((?:{_GROUPS}|{_PLAIN})(?![.,]?\d)|{_WORDS})"
_RUNS = "trials?|runs?|experiments?"
_UNITS: tuple[tuple[str, BudgetField, float], ...] = (
    (rf"(?:{_RUNS})\s+(?:at once|in parallel|at a time|at the same time)", "parallel", 1),
    (r"(?:in parallel|at once|parallel)", "parallel", 1),
    (rf"(?:{_RUNS})", "trials", 1),
    (r"(?:hours?|hrs?|h)", "hours", 1),
    (r"(?:minutes?|mins?)", "hours", 1 / 60),
    (r"days?", "hours", 24),
    (r"(?:gb|gib|gigabytes?)(?:\s+(?:of\s+)?disk)", "disk_mb", 1024),
    (r"(?:gb|gib|gigabytes?|gigs?)", "memory_mb", 1024),
    (r"(?:mb|mib|megabytes?)(?:\s+(?:of\s+)?disk)", "disk_mb", 1),
    (r"(?:mb|mib|megabytes?)", "memory_mb", 1),
    (r"(?:cpus?|cores?)", "cpus", 1),
    (r"tokens?", "model_tokens", 1),
    (r"(?:usd|dollars?|bucks)", "model_usd", 1),
)  # fmt: skip
_NAMES: tuple[tuple[str, BudgetField], ...] = (
    (r"trials?|runs?", "trials"),
    (r"hours?", "hours"),
    (r"parallel", "parallel"),
    (r"tokens?", "model_tokens"),
    (r"memory(?:_mb)?", "memory_mb"),
    (r"disk(?:_mb)?", "disk_mb"),
    (r"cpus?|cores?", "cpus"),
)
_MORE = re.compile(r"\b(?:more|extra|additional|further|another)\b|\+\s*\d", re.I)
_LESS = re.compile(r"\b(?:fewer|less)\b", re.I)
_NEGATED = re.compile(r"(?:\b(?:no|not|never)|n't)\s+(?:any\s+)?(?:more|fewer|less)\b", re.I)
_EXTENDED = re.compile(r"\bextend\b", re.I), re.compile(r"\d")
_LOWERED = re.compile(r"\b(?:reduce|cut|lower|shorten)\w*\b", re.I)
_BY = re.compile(r"\bby(?:\s+(?:about|around|roughly|another))?\s*$", re.I)
_TO = re.compile(
    r"(?:\b(?:to|at|at most|at least|(?:no|not) (?:more|fewer|less) than)|=)\s*$", re.I
)
_NEAR = 200  # characters before a number in which its verb is looked for
_How = Literal["=", "+", "-"]
_TIMES = {"double": 2.0, "triple": 3.0, "halve": 0.5, "half": 0.5}


def budget_changes(text: str) -> tuple[BudgetChange, ...]:
    """The changes that a text asks for, one a field; ids must have been taken out of it."""
    found: dict[BudgetField, BudgetChange] = {}
    how = _of_all(text)
    for change in (*_multiples(text), *_amounts(text, how), *_named(text, how)):
        found.setdefault(change.field, change)
    return tuple(found.values())


def changed(budget: Budget, changes: Sequence[BudgetChange]) -> dict[str, float | int]:
    """The fields' new values; checked where the budget is changed."""
    values: dict[str, float | int] = {}
    for change in changes:
        before = getattr(budget, change.field) or 0
        value = {
            "=": change.value,
            "+": before + change.value,
            "-": before - change.value,
            "*": before * change.value,
        }[change.how]
        whole = change.field not in ("hours", "cpus", "model_usd")
        values[change.field] = round(value) if whole and math.isfinite(value) else round(value, 4)
    return values


def _multiples(text: str) -> Iterator[BudgetChange]:
    for word, factor in _TIMES.items():
        for name, field in _NAMES:
            if re.search(rf"\b{word}\b(?:\s+\w+){{0,3}}?\s+(?:{name})\b", text, re.I):
                yield BudgetChange(field=field, how="*", value=factor)


def _amounts(text: str, of_all: _How) -> Iterator[BudgetChange]:
    rest = text
    more = r"(?:\s+(?:more|extra|additional|further|fewer|less))?"
    for unit, field, scale in _UNITS:
        pattern = re.compile(rf"(?<![\w.-])(?<!\d,){_NUMBER}{more}\s*{unit}\b", re.I)
        for match in pattern.finditer(rest):
            value = round(_value(match[1]) * scale, 6)
            yield BudgetChange(field=field, how=_of_one(match, of_all), value=value)
        rest = pattern.sub(" ", rest)


def _named(text: str, of_all: _How) -> Iterator[BudgetChange]:
    """`hours to 6`, `trials = 40`, `trials of it by 5`."""
    for name, field in _NAMES:
        between = r"(?:\s+(?:budget|of|for|it|the|ticket|limit)){0,4}\s*(?:to|at|=|:|by)\s*"
        pattern = rf"\b(?:{name})\b{between}{_NUMBER}\b"
        for match in re.finditer(pattern, text, re.I):
            yield BudgetChange(field=field, how=_of_one(match, of_all), value=_value(match[1]))


def _of_one(match: re.Match[str], of_all: _How) -> _How:
    """How one number is meant, by what stands beside it; else as the whole text says."""
    behind = match.string[match.end(1) : match.end()]
    if _LESS.search(behind):
        return "-"
    if _MORE.search(behind):
        return "+"
    near = match.string[max(0, match.start(1) - _NEAR) : match.start(1)].rpartition("\n")[2]
    if _BY.search(near):
        return "-" if _LOWERED.search(near) else "+"
    return "=" if _TO.search(near) else of_all


def _of_all(text: str) -> _How:
    said = _NEGATED.sub(" ", text)
    if _LESS.search(said):
        return "-"
    return "+" if _MORE.search(said) or _follows(said, *_EXTENDED) else "="


def _follows(text: str, first: re.Pattern[str], then: re.Pattern[str]) -> bool:
    """Whether one stands behind the other in a line; in time that grows with the text alone."""
    found = ((line, first.search(line)) for line in text.split("\n"))
    return any(at is not None and then.search(line, at.end()) for line, at in found)


def _value(text: str) -> float:
    if text[0].isalpha():
        return float(count(text))
    grouped = re.sub(r"[, \u00a0\u202f](?=\d{3})", "", text)
    return float(grouped.replace(",", "."))
