"""The metric of a ticket without an evaluator: read from a file or the output, and said to be."""

import csv
import json
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from labcrew import beneath
from labcrew.domain.measuring import Metric, ReportedNumber
from labcrew.domain.sandbox import OUTPUT_CUT
from labcrew.errors import BoundaryError, NotFound
from tools.log_lines import metrics

_LINE_CAP = 10_000


def from_file(metric: Metric | ReportedNumber, folder: Path) -> float | None:
    """The metric's last value in the metrics file; None where there is none.

    A JSON-lines file has it on a line, a CSV or TSV file in a column of that name, a .json file may
    be one object over many lines. NaN has no value, and neither has null.
    """
    if metric.file is None:
        return None
    try:
        if metric.file.endswith((".csv", ".tsv")):
            return _finite(_from_table(metric, folder))
        if metric.file.endswith(".json"):
            with suppress(ValueError, RecursionError):
                return _finite(_number(json.loads(beneath.read(folder, metric.file)), metric.name))
    except (NotFound, BoundaryError):
        return None
    last = None
    # A program may spell a name in ASCII: "pr\u00e9cision".
    spellings = {
        json.dumps(metric.name, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)
    }
    try:
        for line in beneath.lines(folder, metric.file):
            if not any(spelt in line for spelt in spellings):
                continue
            with suppress(ValueError, RecursionError):
                value = _number(json.loads(line), metric.name)
                last = last if value is None else value
    except (NotFound, BoundaryError):  # none, or a folder of that name
        return None
    return _finite(last)


def _from_table(metric: Metric | ReportedNumber, folder: Path) -> float | None:
    """The last number of a column."""
    assert metric.file is not None
    last = None
    delimiter = "\t" if metric.file.endswith(".tsv") else ","
    rows = csv.DictReader(beneath.lines(folder, metric.file), delimiter=delimiter)
    with suppress(csv.Error):  # what stood before a line that is no table counts
        for row in rows:
            with suppress(ValueError, TypeError):
                last = float(row[metric.name]) if metric.name in row else last
    return last


def _number(found: object, name: str) -> float | None:
    """The number of that name; NaN where null stands, or text that says NaN or infinity.

    JSON itself has neither, so many programs write them so.
    """
    value = found.get(name, "") if isinstance(found, dict) else ""
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return None if isinstance(value, str) and math.isfinite(number) else number


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def from_line(metric: Metric | ReportedNumber, line: str) -> float | None:
    """The metric in one line of output, by the ticket's pattern or by its name.

    Where the pattern's number would stand, "nan" and "inf" are numbers, too, however it is written,
    and "null" is NaN: a pattern of digits would pass over the end of a run that went wrong.
    """
    if metric.pattern is not None:
        text = line[:_LINE_CAP]
        for pattern in (re.compile(metric.pattern), _of_no_number(metric.pattern, text)):
            found = pattern.findall(text) if pattern is not None else ()
            with suppress(ValueError):
                if found:
                    return math.nan if found[-1] == "null" else float(found[-1])
        return None
    numbers = metrics(line)
    return numbers.get(metric.name, numbers.get(metric.name.replace(" ", "_")))


def _of_no_number(pattern: str, text: str) -> re.Pattern[str] | None:
    lowered = text.lower()
    return _loosened(pattern) if any(n in lowered for n in ("nan", "inf", "null")) else None


@lru_cache(maxsize=64)
def _loosened(pattern: str) -> re.Pattern[str] | None:
    """A pattern whose group finds NaN and infinities; None where it can't be told apart."""
    place = _group(pattern)
    if place is None:
        return None
    try:
        return re.compile(
            f"{pattern[: place.start]}[\"']?([-+]?(?i:nan|inf(?:inity)?)|null)[\"']?"
            f"{pattern[place.stop :]}"
        )
    except re.error:
        return None


def _group(pattern: str) -> slice | None:
    """Where the first group that captures stands in a pattern, its brackets included."""
    begin: int | None = None
    depth = deep = 0
    escaped = in_class = False
    for at, letter in enumerate(pattern):
        if escaped or letter == "\\":
            escaped = not escaped
        elif in_class or letter == "[":
            in_class = letter != "]"
        elif letter == "(":
            depth += 1
            if begin is None and not pattern.startswith("(?", at):
                begin, deep = at, depth
        elif letter == ")":
            if begin is not None and depth == deep:
                return slice(begin, at + 1)
            depth -= 1
    return None


def from_output(metric: Metric | ReportedNumber, lines: Iterable[str]) -> float | None:
    """The last value of the metric that the output shows; None without one, or if it is NaN.

    A run that ends in NaN has no metric: its last finite value would flatter it. What stands before
    a gap in the output isn't its last value.
    """
    last = None
    for line in lines:
        if line.startswith(OUTPUT_CUT):
            last = None
        for shown in line.split("\r"):  # a progress bar writes over itself
            value = from_line(metric, shown)
            if value is not None:
                last = value
    return last if last is not None and math.isfinite(last) else None
