"""The metric of a ticket without an evaluator: read from a file or the output, and said to be."""

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path

from labcrew import beneath
from labcrew.domain.ticket import Metric, ReportedNumber
from labcrew.errors import BoundaryError, NotFound
from tools.log_lines import metrics

_LINE_CAP = 10_000


def from_file(metric: Metric | ReportedNumber, folder: Path) -> float | None:
    """The metric on the last line of the metrics file that has it; None where there is none."""
    if metric.file is None:
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
            try:
                value = json.loads(line)[metric.name]
                if isinstance(value, int | float) and not isinstance(value, bool):
                    last = float(value)
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue
    except (NotFound, BoundaryError):  # none, or a folder of that name
        return None
    return last if last is not None and math.isfinite(last) else None


def from_line(metric: Metric | ReportedNumber, line: str) -> float | None:
    """The metric in one line of output, by the ticket's pattern or by its name."""
    if metric.pattern is not None:
        found = re.findall(metric.pattern, line[:_LINE_CAP])
        try:
            return float(found[-1]) if found else None
        except ValueError:
            return None
    numbers = metrics(line)
    return numbers.get(metric.name, numbers.get(metric.name.replace(" ", "_")))


def from_output(metric: Metric | ReportedNumber, lines: Iterable[str]) -> float | None:
    """The last value of the metric that the output shows; None without one, or if it is NaN.

    A run that ends in NaN has no metric: its last finite value would flatter it.
    """
    last = None
    for line in lines:
        for shown in line.split("\r"):  # a progress bar writes over itself
            value = from_line(metric, shown)
            if value is not None:
                last = value
    return last if last is not None and math.isfinite(last) else None
