import pytest
from sweep import Study, report


def study(direction, values):
    made = Study("m", direction)
    for number, value in enumerate(values):
        made.add({"n": number}, value)
    return made


@pytest.mark.parametrize("values", [[3, 1, 2], [0.5, -1, 4, float("nan")], [7]])
def test_minimise(values):
    made = study("minimize", values)
    finite = [v for v in values if v == v]
    assert made.best()[1] == min(finite)
    assert [v for _, v in made.ranking()] == sorted(finite)


def test_best_so_far_falls():
    assert study("minimize", [3, 4, 1, 2]).best_so_far() == [3, 3, 1, 1]


def test_report_of_a_loss():
    assert report(study("minimize", [3, 1, 2]), 2) == ["m=1 [('n', 1)]", "m=2 [('n', 2)]"]


def test_maximise():
    made = study("maximize", [3, 5, 4])
    assert made.best()[1] == 5
    assert made.best_so_far() == [3, 5, 5]
    assert [v for _, v in made.ranking()] == [5, 4, 3]


def test_ties_and_nothing():
    assert study("maximize", [2, 2]).best()[0] == {"n": 0}
    assert study("minimize", [2, 2]).best()[0] == {"n": 0}
    assert study("minimize", [float("inf")]).best() is None
    with pytest.raises(ValueError):
        Study("m", "min")
