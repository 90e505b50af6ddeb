"""Whatever numbers a run prints, its plot stays within its frame."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from desk.board.plots import Curve, Mark, drawn

Points = list[tuple[float, float]]
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40)


@given(st.lists(POINTS, max_size=4), POINTS)
@settings(max_examples=400)
def test_every_point_is_inside(curves: list[Points], marks: Points) -> None:
    plot = drawn(
        "t",
        [Curve(name="c", points=tuple(points)) for points in curves],
        [Mark(at=at, title="m") for at in marks],
    )
    every = [point for points in [*curves, marks] for point in points]
    finite = [point for point in every if all(math.isfinite(value) for value in point)]
    if not finite:
        assert plot is None
        return
    assert plot is not None
    placed = [mark.at for mark in plot.marks]
    for line in plot.lines:
        placed += [
            (float(x), float(y))
            for x, _, y in (pair.partition(",") for pair in line.points.split())
        ]
    assert len(placed) == len(finite)
    for x, y in placed:
        assert plot.left - 0.1 <= x <= plot.right + 0.1
        assert plot.top - 0.1 <= y <= plot.bottom + 0.1
    assert all(plot.top - 1 <= tick.at <= plot.bottom + 1 for tick in plot.up)


def test_a_diverged_value_does_not_flatten_the_rest() -> None:
    points = [(float(n), 0.5 + n / 100) for n in range(30)]
    plot = drawn("t", [Curve(name="c", points=(*points, (30.0, 1e30)))])
    assert plot is not None
    assert plot.clipped
    heights = [float(pair.split(",")[1]) for pair in plot.lines[0].points.split()]
    assert max(heights[:30]) - min(heights[:30]) > 20
