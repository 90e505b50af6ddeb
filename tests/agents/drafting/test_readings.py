"""Numbers in lines of output: their names, their splits, and patterns that read them again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.readings import numbers, readings, split_of
from agents.drafting.series import series_of_lines
from labcrew.domain.draft import SeenLine, Series
from labcrew.domain.measuring import Metric
from tools.reported import from_line, from_output


def shown(text: str) -> dict[str, Series]:
    """The series of an output by name; of two with one name, both under the name and the split."""
    lines = [SeenLine(at_s=i, text=line) for i, line in enumerate(text.splitlines()) if line]
    found, _ = series_of_lines(lines)
    names = [one.name for one in found]
    return {
        one.name if names.count(one.name) == 1 else f"{one.name} {one.split}": one for one in found
    }


@pytest.mark.parametrize(
    ("line", "name", "value", "split"),
    [
        ("epoch 3 loss=0.5 val_acc: 0.7", "val_acc", 0.7, "validation"),
        ("Accuracy: 97.3%", "Accuracy", 97.3, "unknown"),
        ("Test set score: 0.97", "Test set score", 0.97, "test"),
        ("RMSE on test = 3.1", "RMSE on test", 3.1, "test"),
        ("R^2: 0.5", "R^2", 0.5, "unknown"),
        ("Mean squared error: 2548.07", "Mean squared error", 2548.07, "unknown"),
        ("{'loss': 0.5, 'learning_rate': 5e-05}", "learning_rate", 5e-05, "unknown"),
        ("[0]\ttrain-rmse:0.50\teval-rmse:0.60", "eval-rmse", 0.6, "validation"),
        ("[100]\tvalid_0's l2: 0.25", "valid_0's l2", 0.25, "validation"),
        ("Iteration 1, loss = 0.52", "loss", 0.52, "unknown"),
        ("Test set: Average loss: 0.03, Accuracy: 9905/10000 (99%)", "Average loss", 0.03, "test"),
        ("Accuracy on test set (n=100): 0.91", "Accuracy on test set", 0.91, "test"),
        ("The error (MSE) on held-out data: 4.03", "The error (MSE) on held-out data", 4.03,
         "unknown"),
        ("2026-11-26 00:11:26,123 INFO loss=0.77", "loss", 0.77, "unknown"),
        ("mean AUC: 0.97 (+/- 0.02)", "mean AUC", 0.97, "unknown"),
        ("best score: np.float64(0.99)", "best score", 0.99, "unknown"),
        ("│        test_acc         │    0.9712    │", "test_acc", 0.9712, "test"),
        ("Fold 1: 0.93", "Fold n", 0.93, "unknown"),
        ("0.97 accuracy", "accuracy", 0.97, "unknown"),
        ("test: loss 0.41 acc 0.7", "acc", 0.7, "test"),
        ("Epoch 1:  50%|##   | 5/10 [00:01<00:01,  4.90it/s, loss=0.51]", "loss", 0.51, "unknown"),
        ("5/5 ━━━━ 1s 3ms/step - accuracy: 0.91 - val_loss: 0.17", "val_loss", 0.17, "validation"),
        ('{"epoch": 1, "val": {"loss": 0.25}}', "val.loss", 0.25, "validation"),
        ('{"test_acc": 1e-3}', "test_acc", 0.001, "test"),
        ("MeanSquaredError: 0.25", "MeanSquaredError", 0.25, "unknown"),
        ("loss: nan", "loss", math.nan, "unknown"),
    ],
)  # fmt: skip
def test_a_line_shows_a_number_by_name(line: str, name: str, value: float, split: str) -> None:
    series = shown(line)[name]
    assert series.values[-1] == pytest.approx(value, nan_ok=True)
    assert series.split == split
    metric = Metric(name=name, direction="minimize", pattern=series.pattern)
    read = from_line(metric, f"{line}\n")
    assert read == pytest.approx(value, nan_ok=True)
    assert series.evidence[0].text == line


@pytest.mark.parametrize(
    "line", ["Total: 1,234.5", "version 1.2.3", "took 3ms", "see a1b2", "x: [1,2,3]", "1e5f loss"]
)
def test_half_a_number_is_none(line: str) -> None:
    assert shown(line) == {}


def test_names_that_stand_on_the_line_above() -> None:
    series = shown("Coefficient of determination:\n 0.45\n")["Coefficient of determination"]
    assert series.values == (0.45,)
    assert (
        from_line(Metric(name="r", direction="maximize", pattern=series.pattern), " 0.45") == 0.45
    )


def test_two_numbers_that_no_pattern_tells_apart_have_none() -> None:
    found = shown("Train error:\n0.3\nTest error:\n0.4\n")
    assert found["Test error"].pattern != ""
    assert found["Train error"].pattern == ""
    assert found["Train error"].values == (0.3,)


def test_training_and_test_lines_of_one_form_stay_apart() -> None:
    text = "train: loss 0.6 acc 0.5\ntest: loss 0.7 acc 0.4\n" * 2
    found = shown(text)
    for name, value in (("loss train", 0.6), ("loss test", 0.7), ("acc test", 0.4)):
        series = found[name]
        assert (series.values, series.count) == ((value, value), 2)
        metric = Metric(name="m", direction="minimize", pattern=series.pattern)
        assert from_output(metric, text.splitlines()) == value


def test_a_bare_loss_beside_a_validation_loss_is_the_training_loss() -> None:
    found = shown("loss: 0.5 - val_loss: 0.6")
    assert (found["loss"].split, found["val_loss"].split) == ("train", "validation")


TABLE = """\
      Iter       Train Loss   Remaining Time
         1           0.8120            1.20s
         2           0.7000            1.10s
"""
REPORT = """\
              precision    recall  f1-score   support

           0       0.98      1.00      0.99        27

    accuracy                           0.97       360
   macro avg       0.96      0.95      0.94       360
weighted avg       0.93      0.92      0.91       360
"""


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        (TABLE, "Train Loss", (0.812, 0.7)),
        (REPORT, "accuracy", (0.97,)),
        (REPORT, "macro avg f1-score", (0.94,)),
        (REPORT, "weighted avg recall", (0.92,)),
        ("epoch loss val_loss\n1 0.5 0.6\n2 0.4 0.5\n", "val_loss", (0.6, 0.5)),
        ("| epoch | loss |\n|---|---|\n| 1 | 0.5 |\n| 2 | 0.25 |\n", "loss", (0.5, 0.25)),
    ],
)
def test_tables(text: str, name: str, values: tuple[float, ...]) -> None:
    series = shown(text)[name]
    assert series.values == values
    metric = Metric(name=name[:80], direction="minimize", pattern=series.pattern)
    assert from_output(metric, text.splitlines()) == values[-1]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("val_loss", "validation"), ("valAccuracy", "validation"), ("TestError", "test"),
        ("oob score", "validation"), ("latest", "unknown"), ("training_time", "train"),
        ("evaluate", "unknown"), ("contest", "unknown"),
    ],
)  # fmt: skip
def test_splits_are_words(text: str, split: str) -> None:
    assert split_of(text) == split


PIECES = st.sampled_from(
    ["loss", "val", "test", "acc", " ", "  ", "=", ":", "0.5", "-1", "1e-3", "nan", "(", ")", "[",
     "]", ",", "%", "|", "\t", "{", "}", "'", '"', "epoch", "10", "/", "│", "R^2", "é", "\\", "*",
     "+", "?", ".", "$", "^", "#", "np.float64(", "1,234", "inf", "-"]
)  # fmt: skip
LINES = st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=60)


@given(st.lists(LINES, max_size=8))
def test_every_pattern_reads_its_last_value_from_the_whole_output(lines: list[str]) -> None:
    """Whatever is printed: a pattern is a ticket's, and reads what the series says, or is none."""
    texts = [piece for line in lines for piece in line.splitlines() if piece.strip()]
    found, _ = series_of_lines([SeenLine(at_s=0, text=text) for text in texts])
    for series in found:
        assert 0 < len(series.values) <= series.count
        if series.pattern:
            metric = Metric(name="m", direction="minimize", pattern=series.pattern)
            values = [v for text in texts if (v := from_line(metric, text)) is not None]
            assert values[-1] == pytest.approx(series.values[-1], nan_ok=True)


@given(st.from_regex(r"[a-z][a-z_]{1,20}", fullmatch=True), st.floats(allow_infinity=False))
def test_plain_pairs_are_always_read(name: str, value: float) -> None:
    for joint in ("=", ": ", " = ", ":"):
        found = shown(f"{name}{joint}{value!r}")
        (one,) = found.values()
        assert one.values == pytest.approx((value,), nan_ok=True)
        assert one.pattern


@given(LINES)
def test_readings_point_at_numbers(line: str) -> None:
    values = numbers(line)
    assert all(0 <= reading.index < len(values) for reading in readings(line))


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("validation loss after 300 steps: 0.1234", "validation loss", 0.1234),
        ("mean loss over 5 folds = 0.33", "mean loss", 0.33),
        ("accuracy at epoch 3: 0.5", "accuracy", 0.5),
        ("12 of 100 points wrong", "points wrong", 12.0),
        ("Errors on the test rows: 13 of 100", "Errors on the test rows", 13.0),
        ("correct: 88/100", "correct", 88.0),
    ],
)
def test_a_number_that_says_when_or_of_how_many_is_no_metric(
    line: str, name: str, value: float
) -> None:
    found, _ = series_of_lines([SeenLine(at_s=0, text=line)])
    assert [(s.name, s.values) for s in found] == [(name, (value,))]
    assert found[0].pattern
