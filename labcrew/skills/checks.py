"""The check of each kind of rule: a function of what was written or planned.

A check that can't tell says `unchecked`, never `kept`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import regex

from labcrew.domain.skill_rules import (
    BudgetAtMost,
    CommitMessage,
    ForbidImport,
    ForbidPaths,
    ForbidText,
    MaxFileLines,
    MetricOverSeeds,
    RequireArgument,
    RequireTest,
    RequireText,
    RuleBase,
)
from labcrew.domain.skills import FileChange, Outcome, Work
from labcrew.judgement import shortened
from labcrew.path_patterns import matches
from labcrew.skills.python_tokens import Called, calls, imports, tokens, unix

MOST_PLACES = 20
_SECONDS = 1.0
"""For one search: a lab's pattern may be slow on a text that was made to be."""
_LONGEST_LINE = 20_000


@dataclass
class Found:
    """What a check found.

    Args:
        looked: whether anything was there to be held against the rule.
        places: where it is broken.
        unsure: where it could not be told.
    """

    looked: bool = False
    places: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        if self.places:
            return "broken"
        if self.unsure:
            return "unchecked"
        return "kept" if self.looked else "not_applicable"


def checked(rule: RuleBase, work: Work) -> tuple[Outcome, tuple[str, ...]]:
    """Holds work against a rule: how it stands, and where it is broken or could not be told."""
    found = _CHECKS[type(rule)](rule, work)
    places = [shortened(place, 200) for place in (*found.places, *found.unsure)]
    return found.outcome, tuple(places[:MOST_PLACES])


def added_lines(change: FileChange) -> Iterator[tuple[int, str]]:
    """The lines of a file that did not stand in it before, with their numbers from 1."""
    before = Counter(lines_of(change.before))
    for number, line in enumerate(lines_of(change.after), 1):
        if before[line] > 0:
            before[line] -= 1
        else:
            yield number, line


def lines_of(text: str | None) -> list[str]:
    """The lines of a text as Python counts them: none ends at a form feed or an odd separator."""
    plain = unix(text or "")
    return plain.removesuffix("\n").split("\n") if plain else []


def _forbid_text(rule: ForbidText, work: Work) -> Found:
    found, pattern = Found(), regex.compile(rule.pattern)
    for change in _written(work, rule.paths):
        found.looked = True
        for number, line in added_lines(change):
            place = f"{change.path}:{number} {line.strip()}"
            match _searched(pattern, line):
                case None:
                    found.unsure.append(place)
                case True:
                    found.places.append(place)
    return found


def _require_text(rule: RequireText, work: Work) -> Found:
    found, pattern = Found(), regex.compile(rule.pattern)
    for change in _written(work, rule.paths):
        found.looked = True
        said = [_searched(pattern, line) for line in lines_of(change.after) or [""]]
        if True not in said:
            (found.unsure if None in said else found.places).append(change.path)
    return found


def _max_file_lines(rule: MaxFileLines, work: Work) -> Found:
    found = Found()
    for change in _written(work, rule.paths):
        found.looked = True
        lines = len(lines_of(change.after))
        before = len(lines_of(change.before))
        if lines > max(rule.lines, before):
            found.places.append(f"{change.path}: {lines} lines")
    return found


def _forbid_paths(rule: ForbidPaths, work: Work) -> Found:
    touched = [c.path for c in work.files or () if matches(c.path, rule.paths)]
    return Found(looked=bool(work.files), places=touched)


def _require_test(rule: RequireTest, work: Work) -> Found:
    files = work.files or ()
    tests = [c for c in files if matches(c.path, rule.tests)]
    code = [c for c in files if matches(c.path, rule.paths) and not matches(c.path, rule.tests)]
    # A test that only lost lines, or is gone, shows nothing.
    shown = any(line.strip() for change in tests for _, line in added_lines(change))
    return Found(looked=bool(code), places=[] if shown else [change.path for change in code])


def _commit_message(rule: CommitMessage, work: Work) -> Found:
    if work.message is None:
        return Found()
    first = work.message.split("\n", 1)[0]
    match _searched(regex.compile(rule.pattern), first, whole=True):
        case None:
            return Found(looked=True, unsure=[first])
        case fits:
            return Found(looked=True, places=[] if fits else [f"it is {first!r}"])


def _forbid_import(rule: ForbidImport, work: Work) -> Found:
    found = Found()
    for change in _written(work, rule.paths):
        found.looked = True
        added = dict(added_lines(change))
        try:
            imported = imports(tokens(change.after or ""))
        except ValueError:
            found.unsure.append(f"{change.path}: no Python that can be read")
            continue
        places = {
            one.line
            for one in imported
            if one.line in added
            and any(one.module == m or one.module.startswith(f"{m}.") for m in rule.modules)
        }
        found.places += [f"{change.path}:{n} {added[n].strip()}" for n in sorted(places)]
    return found


def _require_argument(rule: RequireArgument, work: Work) -> Found:
    found = Found()
    for change in _written(work, rule.paths):
        added = dict(added_lines(change))
        try:
            made = [c for c in calls(tokens(change.after or "")) if _is_one_of(c.name, rule.calls)]
        except ValueError:
            found.unsure.append(f"{change.path}: no Python that can be read")
            continue
        found.looked = found.looked or bool(made)
        bare = [call for call in made if rule.argument not in call.arguments]
        more = Counter(call.name for call in bare) - _bare_before(rule, change)
        for call in bare:
            # An argument that was taken away leaves no added line.
            if call.line in added or more[call.name]:
                place = f"{change.path}:{call.line} {call.name}("
                (found.unsure if call.more else found.places).append(place)
    return found


def _bare_before(rule: RequireArgument, change: FileChange) -> Counter[str]:
    try:
        made: list[Called] = calls(tokens(change.before or ""))
    except ValueError:
        return Counter()
    return Counter(
        c.name for c in made if _is_one_of(c.name, rule.calls) and rule.argument not in c.arguments
    )


def _metric_over_seeds(rule: MetricOverSeeds, work: Work) -> Found:
    if work.seeds is None or work.metric is None or rule.metric not in ("", work.metric):
        return Found()
    few = [f"{work.metric} rests on {work.seeds} seeds"] if work.seeds < rule.seeds else []
    return Found(looked=True, places=few)


def _budget_at_most(rule: BudgetAtMost, work: Work) -> Found:
    if work.budget is None:
        return Found()
    over = []
    for name, most in rule.most.items():
        value = getattr(work.budget, name)
        if value is None or value > most:
            over.append(f"{name}: {'no bound' if value is None else f'{value:g}'}, not {most:g}")
    return Found(looked=True, places=over)


_CHECKS: dict[type[RuleBase], Callable[[Any, Work], Found]] = {
    ForbidText: _forbid_text,
    RequireText: _require_text,
    MaxFileLines: _max_file_lines,
    ForbidPaths: _forbid_paths,
    RequireTest: _require_test,
    CommitMessage: _commit_message,
    ForbidImport: _forbid_import,
    RequireArgument: _require_argument,
    MetricOverSeeds: _metric_over_seeds,
    BudgetAtMost: _budget_at_most,
}


def _written(work: Work, paths: tuple[str, ...]) -> Iterator[FileChange]:
    for change in work.files or ():
        if change.after is not None and matches(change.path, paths):
            yield change


def _searched(pattern: "regex.Pattern[str]", line: str, *, whole: bool = False) -> bool | None:
    """Whether a line matches; None where that took too long to tell."""
    if len(line) > _LONGEST_LINE:
        return None
    search = pattern.fullmatch if whole else pattern.search
    try:
        return search(line, timeout=_SECONDS) is not None
    except TimeoutError:
        return None


def _is_one_of(name: str, wanted: tuple[str, ...]) -> bool:
    return any(name == one or name.endswith(f".{one}") for one in wanted)
