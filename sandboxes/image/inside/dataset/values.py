"""Rows with a number that is not finite, or far from all others of its column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .study import Doubt, Fault, Found, Study
from .tables import Floats, Table, shown

_MODIFIED_Z = 3.5
_TAIL_SHARE = 0.05
_TAIL_MIN = 10
_EXPECTED = 0.01
_GROSS = 3.0
_ALONE = 10
_ALIKE = 8
_SAMPLE_MIN = 30


def out_of_range(study: Study) -> Found:
    """Rows with a number that is not finite, or far beyond what its column's tail allows."""
    for table in study.tables:
        far: dict[int, str] = {}
        confidence: dict[int, float] = {}
        names = [n for n in table.features if table.columns[n].numbers is not None]
        crowd = _crowd(table, names)
        for name in names:
            numbers = table.columns[name].numbers
            assert numbers is not None
            elsewhere = _elsewhere(study, table, name)
            for row in np.flatnonzero(np.isinf(numbers)).tolist():
                far.setdefault(row, f"{shown(name)} is not finite")
                confidence.setdefault(row, 0.95)
            for row, sure in _far_out(numbers, elsewhere, crowd, len(names)):
                if sure > confidence.get(row, 0.0):
                    far[row] = f"{shown(name)} is {numbers[row]:g}, far from all others"
                    confidence[row] = sure
        if far:
            detail = "rows have numbers far outside their column's range"
            yield Fault(table.path, len(far), detail, "warning")
        if table.split == "train":
            for row, reason in sorted(far.items()):
                yield Doubt(table.path, row, reason, confidence[row])


@dataclass(frozen=True)
class _Tail:
    """A power law fitted to the largest of some distances (Hill 1975).

    The median stands in for Hill's mean, because the mean of a tail that holds errors is theirs.
    A power law is heavier than most honest tails, so it excuses them.
    """

    size: int
    start: float
    typical: float
    heaviness: float

    @classmethod
    def of(cls, distances: Floats) -> _Tail | None:
        """Fits positive distances; None for too few."""
        size = max(_TAIL_MIN, int(_TAIL_SHARE * len(distances)))
        if len(distances) <= size:
            return None
        top = np.sort(np.partition(distances, -size - 1)[-size - 1 :])
        middle = float(np.median(np.log(top[1:] / top[0])))
        return cls(size, float(top[0]), float(np.median(top)), max(middle / np.log(2), 1e-3))

    def excludes(self, distance: float, columns: int) -> bool:
        """Whether hardly a value so far out would be expected, and it is grossly so."""
        if distance <= _GROSS * self.typical:
            return False
        expected = self.size * float(np.exp(-np.log(distance / self.start) / self.heaviness))
        return expected < _EXPECTED / columns


def _far_out(
    numbers: Floats, elsewhere: Floats, crowd: _Tail | None, columns: int
) -> list[tuple[int, float]]:
    """Rows whose number the column's own tail doesn't explain, with a confidence.

    First a cell must be an outlier by the modified z-score (Iglewicz and Hoaglin 1993; where the
    median deviation is zero, by the mean deviation, as they advise). That alone would condemn
    honest skewed data, so then the tail on its side must exclude it. Where a column has too few
    values there, or too scattered ones, the tail of all columns together may, if they are alike.

    Args:
        numbers: shape (rows,), may hold NaN.
        elsewhere: the column's numbers in other splits.
        crowd: the tail of all columns, if they share a scale.
        columns: how many are looked at.
    """
    own = numbers[np.isfinite(numbers)]
    other = elsewhere[np.isfinite(elsewhere)]
    if len(own) < _SAMPLE_MIN:
        return []
    pooled = np.concatenate([own, other])
    middle = np.median(pooled)
    away = np.abs(pooled - middle)
    spread = float(np.median(away)) / 0.6745 or float(away.mean()) * 1.2533
    if spread == 0:
        return []
    suspects = np.isfinite(numbers) & (np.abs(numbers - middle) > _MODIFIED_Z * spread)
    if len(other) >= _SAMPLE_MIN:
        suspects &= (numbers > other.max()) | (numbers < other.min())
    found: list[tuple[int, float]] = []
    tails = {
        upper: _Tail.of(away[pooled > middle] if upper else away[pooled < middle])
        for upper in ((True, False) if suspects.any() else ())
    }
    for row in np.flatnonzero(suspects).tolist():
        distance = abs(float(numbers[row] - middle))
        tail = tails[bool(numbers[row] > middle)]
        if (tail and tail.excludes(distance, columns)) or (crowd and crowd.excludes(distance, 1)):
            found.append((row, 0.9))
        elif tail is None and crowd is None and distance > _ALONE * spread:
            found.append((row, 0.4))
    return found


def _elsewhere(study: Study, table: Table, name: str) -> Floats:
    """A column's numbers in the other splits."""
    parts: list[Floats] = [np.zeros(0)]
    for other in study.tables:
        if other is not table and study.shared(table, other):
            column = other.columns.get(name)
            if column is not None and column.numbers is not None:
                parts.append(column.numbers)
    return np.concatenate(parts)


def _crowd(table: Table, names: list[str]) -> _Tail | None:
    """The tail of all numeric columns together if most have the same range, as pixels have."""
    ranges, distances = [], []
    for name in names:
        numbers = table.columns[name].numbers
        assert numbers is not None
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            low, middle, high = np.quantile(finite, [0.01, 0.5, 0.99])
            ranges.append(float(high - low))
            distances.append(np.abs(finite - middle))
    ranges = [width for width in ranges if width > 0]
    if len(ranges) < _ALIKE:
        return None
    low, middle, high = np.quantile(ranges, [0.25, 0.5, 0.75])
    if high > 2 * middle or middle > 2 * low:
        return None
    together = np.concatenate(distances)
    return _Tail.of(together[together > 0])
