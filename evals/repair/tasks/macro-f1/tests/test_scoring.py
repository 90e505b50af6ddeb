import pytest
from scoring import average_f1, by_class, tallies

TARGETS = list("aaaaabbbcc")
IGNORES = list("aaaaabbbaa")
FINDS = list("aaaacbbbca")


def test_macro_counts_every_class():
    scores = by_class(TARGETS, IGNORES)
    assert scores["c"] == 0.0
    assert average_f1(TARGETS, IGNORES) == pytest.approx(sum(scores.values()) / 3)
    assert average_f1(TARGETS, FINDS) > average_f1(TARGETS, IGNORES)


def test_predicted_class_without_targets_counts():
    assert average_f1(list("aab"), list("aax")) == pytest.approx(1 / 3)


@pytest.mark.parametrize("predictions", [IGNORES, FINDS, TARGETS[::-1]])
def test_weighted(predictions):
    scores = by_class(TARGETS, predictions)
    right = (5 * scores["a"] + 3 * scores["b"] + 2 * scores["c"]) / 10
    assert average_f1(TARGETS, predictions, "weighted") == pytest.approx(right)


def test_micro_is_accuracy():
    assert average_f1(TARGETS, FINDS, "micro") == pytest.approx(0.8)
    assert average_f1(TARGETS, IGNORES, "micro") == pytest.approx(0.8)


def test_perfect_and_unknown():
    for average in ("macro", "micro", "weighted"):
        assert average_f1(TARGETS, TARGETS, average) == pytest.approx(1.0)
    with pytest.raises(ValueError):
        average_f1(TARGETS, TARGETS, "mean")


def test_tallies():
    assert tallies("aab", "aba") == {"a": (1, 1, 1), "b": (0, 1, 1)}
