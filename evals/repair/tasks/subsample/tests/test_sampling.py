import pytest
from sampling import bootstrap, out_of_bag, subset


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 1.0])
def test_none_twice(share):
    for seed in range(5):
        drawn = subset(range(1000), share, seed)
        assert len(set(drawn)) == len(drawn) == round(1000 * share)


def test_everything_is_everything():
    assert sorted(subset("abcdefgh", 1.0)) == list("abcdefgh")


def test_seed_decides():
    assert subset(range(100), 0.2, 1) == subset(range(100), 0.2, 1)
    assert subset(range(100), 0.2, 1) != subset(range(100), 0.2, 2)
    assert len(subset(range(3), 0.01)) == 1


def test_bootstrap_repeats():
    drawn = bootstrap(range(100), 3)
    assert len(drawn) == 100
    assert len(set(drawn)) < 100
    assert sorted(set(drawn) | set(out_of_bag(range(100), drawn))) == list(range(100))


def test_wrong_share():
    with pytest.raises(ValueError):
        subset([1], 0.0)
