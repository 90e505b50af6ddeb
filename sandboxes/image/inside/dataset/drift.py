"""Columns whose values are spread differently in another split, numbers and categories."""

from __future__ import annotations

import numpy as np

from .chance import SIGNIFICANT, tail
from .study import Fault, Found, Study
from .tables import Column, Floats, Table, count_of, shown

_SAMPLE_MIN = 30
_GAP = 0.2
_SHOWN = 5


def drift(study: Study) -> Found:
    """Columns that are spread differently in another split.

    The gap is the largest difference between the shares of rows that two splits have in any range
    of numbers up to a value, or in any set of categories. One above 0.2 counts if chance alone
    would show one in fewer than a hundredth of the pairs of files, over all columns together
    (Bonferroni).
    """
    for table in study.training:
        for other in study.held:
            names = [n for n in study.shared(table, other) if _comparable(table, other, n)]
            level = SIGNIFICANT / max(1, len(names))
            moved: list[tuple[float, str]] = []
            for name in names:
                a, b = table.columns[name], other.columns[name]
                if a.numbers is not None and b.numbers is not None:
                    gap, example = _numbers(a.numbers, b.numbers, level), ""
                else:
                    gap, example = _categories(table, other, name, level)
                if gap > 0:
                    moved.append((-gap, f"{shown(name)} ({gap:.2f}{example})"))
            if moved:
                worst = ", ".join(told for _, told in sorted(moved)[:_SHOWN])
                more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
                what = f"{count_of(len(moved), 'column')} spread otherwise than in {table.split}"
                yield Fault(other.path, 0, f"{what}: {worst}{more}", "note")


def _comparable(table: Table, other: Table, name: str) -> bool:
    a, b = table.columns[name], other.columns[name]
    if a.numbers is None or b.numbers is None:
        return a.kind == b.kind == "text"
    return all(np.isfinite(c).sum() >= _SAMPLE_MIN for c in (a.numbers, b.numbers))


def _numbers(a: Floats, b: Floats, level: float) -> float:
    """The gap of Kolmogorov and Smirnov if it counts, else 0."""
    a, b = np.sort(a[np.isfinite(a)]), np.sort(b[np.isfinite(b)])
    at = np.unique(np.concatenate([a, b]))
    below_a = np.searchsorted(a, at, "right") / len(a)
    below_b = np.searchsorted(b, at, "right") / len(b)
    gap = float(np.abs(below_a - below_b).max())
    bound = (-np.log(level / 2) / 2 * (len(a) + len(b)) / (len(a) * len(b))) ** 0.5
    return gap if gap > max(_GAP, float(bound)) else 0.0


def _categories(table: Table, other: Table, name: str, level: float) -> tuple[float, str]:
    """The total variation between two splits' shares if it counts, else 0, and an example.

    Many rare categories differ between any two samples. So the gap that sampling alone would be
    expected to leave is taken off, and the category that differs most must be significant itself
    (Fisher's exact test, each category being one more question).
    """
    mine, theirs = _counted(table.columns[name]), _counted(other.columns[name])
    names = sorted(mine.keys() | theirs.keys())
    here = np.array([mine.get(value, 0) for value in names])
    there = np.array([theirs.get(value, 0) for value in names])
    n, m = int(here.sum()), int(there.sum())
    if min(n, m) < _SAMPLE_MIN:
        return 0.0, ""
    difference = there / m - here / n
    pooled = (here + there) / (n + m)
    expected = np.sqrt(2 / np.pi * pooled * (1 - pooled) * (1 / n + 1 / m)).sum() / 2
    gap = float(np.abs(difference).sum() / 2 - expected)
    most = int(np.abs(difference).argmax())
    hits, drawn = (there[most], m) if difference[most] > 0 else (here[most], n)
    chance = 2 * len(names) * tail(int(hits), drawn, int(here[most] + there[most]), n + m)
    if gap <= _GAP or chance > level:
        return 0.0, ""
    if table.request.private or other.request.private:
        return gap, ""
    shares = f"{here[most] / n:.0%} of rows there, {there[most] / m:.0%} here"
    return gap, f"; {shown(names[most], 20)!r} is {shares}"


def _counted(column: Column) -> dict[str, int]:
    return dict(column.text.drop_nulls().value_counts().iter_rows())
