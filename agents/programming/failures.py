"""What failing tests say, cut down to what a model needs: the test, the line, the error."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from agents.programming.source import Part, parts
from labcrew.domain.testing import TestReport

_SECTION = re.compile(r"^_{3,} (?:ERROR at \w+ of |ERROR collecting )?(\S.*?) _{3,}$", re.M)
_PLACE = re.compile(r"^(\S[^:\n]*\.py):(\d+):(?: in (\S+)|.*)$", re.M)
_FRAME = re.compile(r'File "(?:/workspace/)?([^"\n]+\.py)", line (\d+)')
_KEPT = re.compile(r"^(?:E |>|\S[^:\n]*\.py:\d+: )")
_SUMMARY = re.compile(r"^(?:FAILED|ERROR) (\S+)(?: - (.*))?$", re.M)
_NO_MODULE = re.compile(r"No module named '([A-Za-z_][\w.]*)'")
_LACKING = (
    re.compile(r"cannot import name '\w+' from '([A-Za-z_][\w.]*)'"),
    re.compile(r"module '([A-Za-z_][\w.]*)' has no attribute '\w+'"),
    _NO_MODULE,
)


def failing(report: TestReport, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the named tests that did not pass; one that the report lacks did not."""
    return tuple(name for name in names if not report.passed(name))


def account(report: TestReport, characters: int) -> str:
    """The first failures of a run, each as its error and the lines that led to it.

    Args:
        characters: most that is shown.
    """
    if report.timed_out:
        return f"The tests did not end within {report.duration_s:.0f} s."
    sections = _sections(report.tail)
    told: list[str] = []
    for name, text in sections[:3]:
        lines = [line.rstrip() for line in text.splitlines() if _KEPT.match(line)]
        if not lines:
            lines = text.rstrip().splitlines()[-12:]
        told.append(f"{name}:\n" + "\n".join(line[:300] for line in lines[-14:]))
    if not told:
        told = [f"{name} {error}".rstrip() for name, error in _SUMMARY.findall(report.tail)[:5]]
    if not told:
        told = report.tail.rstrip().splitlines()[-12:]
    said = "\n".join(told)
    if len(said) > characters:
        half = (characters - 5) // 2
        said = f"{said[:half]}\n...\n{said[-half:]}"
    return said or "The tests failed and printed nothing."


def frames(report: TestReport) -> tuple[tuple[str, int], ...]:
    """Places that the failures went through, outermost first: path and line."""
    return _places(report.tail)


def stacks(report: TestReport) -> dict[str, tuple[tuple[str, int], ...]]:
    """The places of each failure by its test's name within its file; those of a name that two
    files have are not told apart, and left out.
    """
    sections = _sections(report.tail)
    times = Counter(name for name, _ in sections)
    return {name: _places(text) for name, text in sections if times[name] == 1}


def _places(text: str) -> tuple[tuple[str, int], ...]:
    found = [(m.start(), m.group(1), int(m.group(2))) for m in _PLACE.finditer(text)]
    found += [(m.start(), m.group(1), int(m.group(2))) for m in _FRAME.finditer(text)]
    return tuple((path.removeprefix("./"), line) for _, path, line in sorted(found))


def lacking(report: TestReport, files: Iterable[str]) -> str:
    """The file that lacks a name which the tests import or look up; empty where none is told of.

    Args:
        files: the paths that may be changed; a module that none of them is, is a new file.
    """
    known = set(files)
    for pattern in _LACKING:
        for match in pattern.finditer(report.tail):
            path = match.group(1).replace(".", "/")
            for candidate in (f"{path}.py", f"{path}/__init__.py", f"src/{path}.py"):
                if candidate in known:
                    return candidate
            if pattern is _NO_MODULE:
                return f"{path}.py"
    return ""


def sources_of_tests(names: Sequence[str], files: Mapping[str, str]) -> tuple[Part, ...]:
    """The test functions that ids name, as they are written.

    Args:
        files: path → text of test files.
    """
    found: list[Part] = []
    for name in names:
        path, _, inner = name.partition("::")
        wanted = inner.partition("[")[0].replace("::", ".")
        for part in parts(path, files.get(path, "")):
            last = part.name.rpartition(".")[2]
            if (part.name == wanted or (not wanted and last.startswith("test"))) and (
                part not in found
            ):
                found.append(part)
    return tuple(found)


def _sections(tail: str) -> list[tuple[str, str]]:
    marks = list(_SECTION.finditer(tail))
    found = []
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(tail)
        text = tail[mark.end() : end]
        stop = re.search(r"^={3,} .* ={3,}$", text, re.M)
        found.append((mark.group(1), text[: stop.start()] if stop else text))
    return found
