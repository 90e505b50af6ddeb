import numpy as np
import pytest
from running import Running, merged

ROWS = np.random.default_rng(5).normal([0, 10, -3], [1, 5, 0.1], size=(60, 3))


@pytest.mark.parametrize("cuts", [[30], [1], [10, 20, 45], [59]])
def test_same_as_all_at_once(cuts):
    for rows in (ROWS, np.sort(ROWS, axis=0)):
        parts = [Running(3).update(part) for part in np.split(rows, cuts)]
        whole = merged(parts, 3)
        assert whole.count == 60
        np.testing.assert_allclose(whole.mean, rows.mean(axis=0))
        np.testing.assert_allclose(whole.variance(), rows.var(axis=0))
        np.testing.assert_allclose(whole.variance(1), rows.var(axis=0, ddof=1))


def test_two_constant_parts():
    whole = Running(1).update([[0.0], [0.0]]).merge(Running(1).update([[4.0], [4.0]]))
    assert whole.variance().tolist() == [4.0]


def test_one_worker():
    one = Running(3).update(ROWS)
    np.testing.assert_allclose(one.variance(), ROWS.var(axis=0))
    np.testing.assert_allclose(one.mean, ROWS.mean(axis=0))


def test_empty_parts():
    assert np.isnan(merged([Running(2), Running(2)], 2).variance()).all()
    part = Running(3).update(ROWS)
    np.testing.assert_allclose(merged([Running(3), part], 3).variance(), ROWS.var(axis=0))


def test_other_stays():
    other = Running(1).update([[1.0], [3.0]])
    Running(1).update([[5.0]]).merge(other)
    assert (other.count, other.mean.tolist()) == (2, [2.0])
