"""Curves as SVG: where everything stands, in the drawing's own units; a template writes it down."""

import math
import statistics
from collections.abc import Sequence

from labcrew.domain.base import Model

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 12, 12, 28
_FENCE = 8.0
_TICKS = 4
_LEAST_STEP = 1e-290


class Curve(Model):
    """A named line through points, oldest first."""

    name: str
    points: tuple[tuple[float, float], ...]


class Mark(Model):
    """A single point, and what it stands for."""

    at: tuple[float, float]
    title: str
    kind: str = "dot"
    href: str = ""


class Tick(Model):
    """A place on an axis."""

    at: float
    label: str


class Line(Model):
    """A curve as it is drawn; `points` is a polyline's."""

    name: str
    points: str
    number: int


class Drawn(Model):
    """A whole plot."""

    title: str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    bottom: int = HEIGHT - _BOTTOM
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    clipped: bool = False


def drawn(title: str, curves: Sequence[Curve], marks: Sequence[Mark] = ()) -> Drawn | None:
    """A plot of curves and marks; None where there is no finite point.

    A few values far from all others (a diverged run) are drawn at the plot's edge.
    """
    points = [p for curve in curves for p in curve.points] + [mark.at for mark in marks]
    points = [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])]
    if not points:
        return None
    x_low, x_high = _spread([x for x, _ in points], fenced=False)
    y_low, y_high = _spread([y for _, y in points], fenced=True)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x = _LEFT + _share(point[0], x_low, x_high) * (WIDTH - _LEFT - _RIGHT)
        y = HEIGHT - _BOTTOM - _share(point[1], y_low, y_high) * (HEIGHT - _TOP - _BOTTOM)
        return round(x, 1), round(y, 1)

    def finite(point: tuple[float, float]) -> bool:
        return math.isfinite(point[0]) and math.isfinite(point[1])

    return Drawn(
        title=title,
        lines=tuple(
            Line(
                name=curve.name,
                points=" ".join("{},{}".format(*place(p)) for p in curve.points if finite(p)),
                number=position % 8 + 1,
            )
            for position, curve in enumerate(curves)
        ),
        marks=tuple(
            mark.model_copy(update={"at": place(mark.at)}) for mark in marks if finite(mark.at)
        ),
        across=tuple(
            Tick(at=place((value, y_low))[0], label=f"{value:.6g}")
            for value in _ticks(x_low, x_high, whole=True)
        ),
        up=tuple(
            Tick(at=place((x_low, value))[1], label=f"{value:.4g}")
            for value in _ticks(y_low, y_high)
        ),
        clipped=any(not y_low <= y <= y_high for _, y in points),
    )


def _share(value: float, low: float, high: float) -> float:
    """Where a value stands in a range, from 0 to 1; one outside stands at the edge."""
    return (min(max(value, low), high) - low) / (high - low)


def _spread(values: Sequence[float], *, fenced: bool) -> tuple[float, float]:
    """The range that is drawn, never of no width, never too wide for a number."""
    low, high = (min(max(bound, -1e300), 1e300) for bound in (min(values), max(values)))
    if fenced and len(values) >= 8:
        quarter, _, three = statistics.quantiles([min(max(v, -1e300), 1e300) for v in values], n=4)
        room = (three - quarter) * _FENCE
        if 0 < room < (high - low):
            low, high = max(low, quarter - room), min(high, three + room)
    if low == high:
        pad = abs(low) * 0.05 or 0.5
        return low - pad, high + pad
    if not fenced:
        return low, high
    return low - (high / 20 - low / 20), high + (high / 20 - low / 20)


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """A few round numbers in a range."""
    raw = (high - low) / _TICKS
    if raw < _LEAST_STEP:
        return []
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.999)
    if whole:
        step = max(1.0, step)
    first = math.ceil(low / step)
    found = [(first + n) * step for n in range(_TICKS + 3)]
    return [value for value in found if low <= value <= high * (1 + 1e-12 * (high > 0))]
