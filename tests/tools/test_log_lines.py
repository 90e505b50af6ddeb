"""Metrics out of lines, however wild: right where labs print them, quick and calm elsewhere."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import assert_proportionate
from tools.log_lines import metrics


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("loss=0.5", {"loss": 0.5}),
        ("epoch 3 loss 0.5 acc: 97.3%", {"epoch": 3, "loss": 0.5, "acc": 97.3}),
        ("Epoch 1/30 - val rmse: 1e-3.", {"Epoch": 1, "val_rmse": 1e-3}),
        ('{"loss": 0.5, "ok": true, "name": "x", "n": null}', {"loss": 0.5}),
        ('{"loss": Infinity, "step": 2}', {"loss": math.inf, "step": 2}),
        ("loss -inf lr=.5", {"loss": -math.inf, "lr": 0.5}),
        ("train/loss=2 val-loss=3", {"train/loss": 2, "val-loss": 3}),
        ('{"loss": 0.5', {}),
        ("version 1.2.3", {}),
        ("loss 12abc", {}),
        ("", {}),
        ("Traceback (most recent call last):", {}),
        ("[" * 5000, {}),
        ("{" * 5000, {}),
    ],
)
def test_lines_as_labs_print_them(line: str, expected: dict[str, float]) -> None:
    assert metrics(line) == expected


def test_nan_is_a_number_to_catch() -> None:
    for line in ("loss nan", "loss: NaN", '{"loss": NaN}'):
        assert math.isnan(metrics(line)["loss"])


def test_a_number_too_large_for_a_float_is_infinite() -> None:
    digits = "9" * 400
    assert metrics(f'{{"a": {digits}, "b": -{digits}}}') == {"a": math.inf, "b": -math.inf}
    assert metrics(f"a {digits}") == {"a": math.inf}


@given(st.text())
def test_no_text_breaks_it(line: str) -> None:
    for name, value in metrics(line).items():
        assert isinstance(name, str)
        assert isinstance(value, float)


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)), max_leaves=8)
)  # fmt: skip
def test_no_json_breaks_it(value: object) -> None:
    metrics(json.dumps(value))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
            lambda n: n not in ("nan", "inf")
        ),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=4,
    )
)
def test_what_is_printed_is_read_back(values: dict[str, float]) -> None:
    expected = {name: pytest.approx(value) for name, value in values.items()}
    assert metrics(json.dumps(values)) == expected
    assert metrics(" ".join(f"{n}={v!r}" for n, v in values.items())) == expected


@pytest.mark.parametrize(
    "line", ["a-" * 50_000, "a/b " * 20_000, "a" + " " * 80_000, "a:" * 40_000, "a.b_" * 20_000]
)
@pytest.mark.parametrize("size", [4_000, 80_000], ids=["all is read", "much is dropped"])
def test_hostile_lines_cost_no_more_than_their_length(line: str, size: int) -> None:
    assert_proportionate(metrics, lambda size: line[:size], size)
