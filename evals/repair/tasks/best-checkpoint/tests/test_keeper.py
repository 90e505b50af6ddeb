import pytest
from checkpoints.keeper import Keeper
from checkpoints.store import read, write


def run(folder, losses):
    keeper = Keeper(folder)
    keeper.resume()
    return [keeper.save([keeper.epoch], loss) for loss in losses]


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
def test_interruption_changes_nothing(tmp_path, cut):
    losses = [0.9, 0.31, 0.5, 0.44, 0.33, 0.35]
    run(tmp_path, losses[:cut])
    run(tmp_path, losses[cut:])
    assert read(tmp_path, "best") == {"epoch": 2, "weights": [1], "loss": 0.31}
    assert read(tmp_path, "last")["epoch"] == 6


def test_last_worse_than_best(tmp_path):
    run(tmp_path, [0.2, 0.8])
    assert run(tmp_path, [0.5, 0.1]) == [False, True]
    assert read(tmp_path, "best")["epoch"] == 4


def test_without_interruption(tmp_path):
    assert run(tmp_path, [0.9, 0.3, 0.5, 0.2]) == [True, True, False, True]
    assert read(tmp_path, "best")["loss"] == 0.2


def test_resume_gives_the_last_weights(tmp_path):
    assert Keeper(tmp_path).resume() is None
    write(tmp_path, "last", {"epoch": 3, "weights": [7], "loss": 1.0})
    keeper = Keeper(tmp_path)
    assert keeper.resume() == [7]
    assert keeper.epoch == 3
    assert read(tmp_path, "none") is None
