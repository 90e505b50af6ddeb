"""Plain sentences that are rules: a small grammar, matched whole, or not at all.

A sentence that fits no form in full is advice: half a rule must not be checked as if it were one.
"""

import builtins
import re
from collections.abc import Callable

from labcrew.domain.skill_rules import (
    BudgetAtMost,
    ForbidImport,
    ForbidPaths,
    ForbidText,
    MaxFileLines,
    MetricOverSeeds,
    RequireArgument,
    RequireTest,
    Rule,
)

_Make = Callable[[re.Match[str], bool], Rule]
_NEVER = r"(?:never|do not|don't|must not|no one may)"
_CHANGE = r"(?:edit|change|touch|modify)"
_PATH = r"`?(?P<path>(?=[^\s`]*[/.*])[^\s`,]+?)`?"
_IN = r"(?: in (?:files (?:of|in) )?`?(?P<where>(?=[^\s`]*[/.*])[^\s`,]+?)`?)?"
_STANDS_FOR = (
    r"(?!(?:an?|the|it|its|this|that|these|those|them|they|each|every|all|any|both|none|nothing"
    r"|(?:any|every|some)(?:one|body|thing)|some|no|your|our|their|you|us|me)\b)"
)
"""Refuses words that stand for other things, and so name none; in backticks they are names."""
_NAME = rf"{_STANDS_FOR}`?(?P<name>[A-Za-z_][\w.]*)(?:\(\))?`?"
_CALLED = rf"(?=\S*[`_.(]){_NAME}"
"""A plain word may be a person or a thing that is given something; code looks like code."""
_BUILTIN = rf"(?:{'|'.join(sorted(name for name in dir(builtins) if name.islower()))})"
_ANY_METRIC = ("metric", "metrics", "score", "scores", "result", "results")
_NUMBER = r"(?P<number>[1-9]\d{0,8})"


def _paths(found: re.Match[str], default: tuple[str, ...]) -> tuple[str, ...]:
    return (found["where"],) if found["where"] else default


def _call(name: str) -> str:
    """A regular expression for a call of a function."""
    return rf"(?<![\w.]){re.escape(name)}\s*\("


_FORMS: tuple[tuple[str, _Make], ...] = (
    (
        rf"{_NEVER} {_CHANGE} (?:the )?(?:files? |folder |anything )?(?:in |under )?{_PATH}",
        lambda m, must: ForbidPaths(paths=(m["path"],), must=must),
    ),
    (
        rf"{_NEVER} import {_NAME}{_IN}",
        lambda m, must: ForbidImport(
            modules=(m["name"],), paths=_paths(m, ("**/*.py",)), must=must
        ),
    ),
    (
        rf"{_NEVER} (?:(?:use|call) `?(?P<name>{_BUILTIN})(?:\(\))?`?"
        rf"|call {_STANDS_FOR}`?(?P<function>[A-Za-z_][\w.]*)(?:\(\))?`?"
        rf"|use `?(?P<spelt>[A-Za-z_][\w.]*)\(\)`?){_IN}",
        lambda m, must: ForbidText(
            pattern=_call(m["name"] or m["function"] or m["spelt"]),
            paths=_paths(m, ("**/*.py",)),
            must=must,
        ),
    ),
    (
        r"(?:always )?add (?:a test|tests)(?: (?:for|with|to) (?:each|every|a|any) change)?",
        lambda m, must: RequireTest(must=must),
    ),
    (
        r"(?:each|every) change (?:needs|comes with|has) (?:a test|tests)",
        lambda m, must: RequireTest(must=must),
    ),
    (
        rf"(?:(?:keep )?files? (?:have |has |may have |of )?(?:at most|no more than)"
        rf"|no files? (?:is )?longer than) {_NUMBER} lines{_IN}",
        lambda m, must: MaxFileLines(
            lines=int(m["number"]), paths=_paths(m, ("**/*.py",)), must=must
        ),
    ),
    (
        rf"(?:always )?(?:give|pass) {_CALLED} (?:an? )?{_STANDS_FOR}(?!arguments?\b)"
        rf"`?(?P<argument>[A-Za-z_]\w*)`?=?(?: argument)?{_IN}",
        lambda m, must: RequireArgument(
            calls=(m["name"],),
            argument=m["argument"],
            paths=_paths(m, ("**/*.py",)),
            must=must,
        ),
    ),
    (
        rf"(?:always )?report (?:the )?{_STANDS_FOR}(?P<metric>[\w@.-]+) over (?:at least )?"
        rf"{_NUMBER} seeds(?: or more)?",
        lambda m, must: MetricOverSeeds(
            seeds=int(m["number"]),
            metric="" if m["metric"].lower() in _ANY_METRIC else m["metric"],
            must=must,
        ),
    ),
    (
        rf"(?:(?:plan|spend|use) (?:at most|no more than)|{_NEVER} (?:plan|spend|use) more than)"
        rf" {_NUMBER} (?P<unit>trials|hours|gpus)",
        lambda m, must: BudgetAtMost.model_validate(
            {m["unit"].lower(): int(m["number"]), "must": must}
        ),
    ),
)
_COMPILED = tuple((re.compile(form, re.IGNORECASE), make) for form, make in _FORMS)


def compiled(sentence: str, must: bool = False) -> Rule | None:
    """The rule that a sentence means, or None where no form fits all of it.

    Args:
        sentence: one sentence; a full stop at its end and a leading "Please" don't matter.
        must: whether work that breaks it is not ready.
    """
    words = " ".join(sentence.split()).removesuffix(".").removesuffix("!")
    words = re.sub(r"^please ", "", words, flags=re.IGNORECASE)
    if len(words) > 300:
        return None
    for form, make in _COMPILED:
        found = form.fullmatch(words)
        if found is not None:
            return make(found, must)
    return None
