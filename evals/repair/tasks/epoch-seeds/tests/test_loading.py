import pytest
from loading.augment import Augmenter
from loading.loader import Loader
from loading.seeds import shares, worker_seed


@pytest.mark.parametrize("seed", [0, 3])
def test_workers_differ(seed):
    chosen = Loader(400, 4, seed).epoch(0)
    streams = {tuple(chosen[i] for i in part) for part in shares(400, 4)}
    assert len(streams) == 4


def test_epochs_differ():
    loader = Loader(100, 2, seed=1)
    assert len({tuple(loader.epoch(n).values()) for n in range(5)}) == 5


def test_no_two_streams_are_equal():
    seeds = {
        worker_seed(seed, epoch, worker)
        for seed in range(6)
        for epoch in range(6)
        for worker in range(6)
    }
    assert len(seeds) == 216


def test_repeatable():
    assert Loader(50, 3, seed=5).epoch(2) == Loader(50, 3, seed=5).epoch(2)
    assert Loader(50, 3, seed=5).epoch(2) != Loader(50, 3, seed=6).epoch(2)
    assert worker_seed(1, 2, 3) == worker_seed(1, 2, 3)


def test_every_image_once():
    assert sorted(Loader(10, 3).epoch(0)) == list(range(10))
    left, top, _ = Augmenter(0, margin=8).choose()
    assert 0 <= left < 8
    assert 0 <= top < 8
