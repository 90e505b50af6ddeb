import pytest
from stopping import EarlyStopping, train


@pytest.mark.parametrize("patience", [1, 2, 3, 5])
def test_stops_after_patience(patience):
    losses = [3.0, 2.0, 1.0] + [1.5] * 20
    assert train(losses, patience) == (3 + patience, 2)


def test_min_delta_counts_as_no_improvement():
    assert train([1.0, 0.95, 0.94, 0.93, 0.1], patience=2, min_delta=0.1) == (3, 0)


def test_improvement_resets():
    stopping = EarlyStopping(patience=2)
    assert [stopping.update(x) for x in (3.0, 3.1, 2.0, 2.1, 1.0)] == [False] * 5
    assert stopping.best == 1.0
    assert stopping.best_epoch == 4


def test_no_stop_and_wrong_patience():
    assert train([3.0, 2.0, 1.0]) == (3, 2)
    with pytest.raises(ValueError):
        EarlyStopping(patience=0)
