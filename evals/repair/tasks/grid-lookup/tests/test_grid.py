import pytest
from grid import Results, points, same, steps


@pytest.mark.parametrize(
    ("start", "end", "width", "expected"),
    [
        (0.1, 0.5, 0.1, [0.1, 0.2, 0.3, 0.4, 0.5]),
        (0.0, 0.7, 0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (0.0, 0.3, 0.1, [0.0, 0.1, 0.2, 0.3]),
        (0.0, 0.9, 0.3, [0.0, 0.3, 0.6, 0.9]),
        (1.0, 2.0, 0.3, [1.0, 1.3, 1.6, 1.9]),
    ],
)
def test_both_ends(start, end, width, expected):
    assert steps(start, end, width) == pytest.approx(expected)


def test_written_results_are_found():
    results = Results([({"rate": r, "decay": 1e-5}, 1.0) for r in (0.1, 0.2, 0.3, 0.6, 0.7)])
    wanted = points(rate=steps(0.1, 0.75, 0.1), decay=[1e-5])
    assert [round(p["rate"], 9) for p in results.missing(wanted)] == [0.4, 0.5]
    assert results.find({"rate": 0.1 + 0.2, "decay": 1e-5}) == 1.0


def test_near_is_not_the_same():
    assert not same({"rate": 0.3}, {"rate": 0.30001})
    assert not same({"rate": 1e-5}, {"rate": 2e-5})
    assert not same({"a": 1.0}, {"b": 1.0})
    assert same({"a": 1.0, "b": 2}, {"b": 2, "a": 1.0})


def test_whole_numbers():
    assert steps(1, 4, 1) == [1, 2, 3, 4]
    assert steps(2, 1, 1) == []
    with pytest.raises(ValueError):
        steps(0, 1, 0)


def test_points():
    assert points(b=[1], a=[2, 3]) == [{"a": 2, "b": 1}, {"a": 3, "b": 1}]
    assert Results().missing([{"a": 1}]) == [{"a": 1}]
