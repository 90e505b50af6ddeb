"""Features that give the label away, and features that merely go with it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inside.profiled import said

Said = Callable[..., list[str]]
ROWS = 120
RANDOM = np.random.default_rng(11)
KINDS = [["setosa", "versicolor", "virginica"][n] for n in RANDOM.integers(3, size=ROWS)]
AMOUNT = RANDOM.normal(size=ROWS).round(4).tolist()


@pytest.fixture
def leak(tmp_path: Path) -> Said:
    return partial(said, tmp_path, "label_leak")


def with_noise(**columns: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """Columns beside one that says nothing."""
    random = np.random.default_rng(5)
    return {"noise": random.normal(size=len(next(iter(columns.values())))).tolist(), **columns}


def test_a_copy_of_the_label_is_told(leak: Said) -> None:
    train = with_noise(y=KINDS, target=KINDS)
    assert leak({"train": train}, label="y") == [
        "train: warning: 0 target equals the label in all 120 rows: as a feature it is the answer"
        " itself"
    ]
    numbers = with_noise(y=AMOUNT, target=AMOUNT)
    assert len(leak({"train": numbers}, label="y")) == 1


def test_a_copy_with_gaps_is_told_by_the_rows_that_have_both(leak: Said) -> None:
    copy = [kind if place % 3 else None for place, kind in enumerate(KINDS)]
    [told] = leak({"train": with_noise(y=KINDS, target=copy)}, label="y")
    assert "target equals the label in all 80 rows" in told


def test_a_name_beside_a_number_of_the_class_is_said_to_be_perhaps_that(leak: Said) -> None:
    numbers = [sorted(set(KINDS)).index(kind) for kind in KINDS]
    [told] = leak({"train": with_noise(y=KINDS, class_id=numbers)}, label="y")
    assert "class_id stands one to one for the label's 3 classes in all 120 rows" in told
    assert f"{str(numbers[0])!r} being always {KINDS[0]!r}" in told
    assert told.endswith("it may be the class's name or number, and as a feature gives it away")
    [told] = leak({"train": with_noise(y=numbers, species=KINDS)}, label="y")
    assert "species stands one to one" in told
    private = leak({"train": with_noise(y=numbers, species=KINDS)}, label="y", private=True)
    assert KINDS[0] not in private[0]


@pytest.mark.parametrize(
    ("change", "word"),
    [(lambda v: 1.8 * v + 32, "rises"), (lambda v: -v, "falls"), (lambda v: 2.718**v, "rises")],
)
def test_a_quantity_on_another_scale_is_told(
    leak: Said, change: Callable[[float], float], word: str
) -> None:
    other = [change(value) for value in AMOUNT]
    [told] = leak({"train": with_noise(y=AMOUNT, scaled=other)}, label="y")
    assert f"scaled {word} exactly as the label does in all 120 rows" in told


def test_many_leaks_are_told_in_part(leak: Said) -> None:
    copies = {f"copy{n:02d}": KINDS for n in range(20)}
    told = leak({"train": with_noise(y=KINDS, **copies)}, label="y")
    assert len(told) == 9
    assert told[-1].endswith("copy14, copy15 and 4 more too")


def test_what_the_ticket_does_not_count_as_a_feature_is_passed_over(leak: Said) -> None:
    train = with_noise(y=KINDS, target=KINDS)
    assert leak({"train": train}, label="y", features=["noise", "y"]) == []
    assert leak({"train": train}, label="y", id="target") == []
    assert leak({"holdout": train}, label="y") == []
    assert leak({"train": train}) == []


def almost(cells: list[Any]) -> list[Any]:
    return [cells[1] if cells[1] != cells[0] else cells[2], *cells[1:]]


HEALTHY: dict[str, dict[str, Sequence[Any]]] = {
    "a feature that tells the class but for one row": with_noise(y=KINDS, near=almost(KINDS)),
    "one class of three": with_noise(y=KINDS, flag=[kind == "setosa" for kind in KINDS]),
    "finer than the class": with_noise(y=KINDS, sub=[f"{k}{n % 2}" for n, k in enumerate(KINDS)]),
    "few rows": with_noise(y=KINDS[:20], target=KINDS[:20]),
    "a rare class that a rare flag met": with_noise(
        y=["rare"] + ["usual"] * 119, flag=[1] + [0] * 119, **{f"f{n}": [0] * 120 for n in range(9)}
    ),
    "a constant": with_noise(y=KINDS, constant=["x"] * ROWS),
    "an index": with_noise(y=AMOUNT, index=list(range(ROWS))),
    "an index of a file in the label's order": with_noise(y=sorted(AMOUNT), n=list(range(ROWS))),
    "a time of a file in the label's order": with_noise(
        y=sorted(AMOUNT), time=[float(n**2) for n in range(ROWS)]
    ),
    "ids that rise with the label": with_noise(
        y=AMOUNT, sample_id=np.argsort(np.argsort(AMOUNT)).tolist()
    ),
    "ids as fractions": with_noise(y=AMOUNT, id=[n + 0.5 for n in range(ROWS)]),
    "a quantity that goes with the label, but for noise": with_noise(
        y=AMOUNT, close=[v + n % 2 for n, v in enumerate(AMOUNT)]
    ),
    "missing labels": with_noise(y=[None] * ROWS, target=[None] * ROWS),
    "free text": with_noise(
        y=[f"text {n}" for n in range(ROWS)], key=[f"k{n}" for n in range(ROWS)]
    ),
    "many classes": with_noise(
        y=[f"k{n % 40}" for n in range(ROWS)], a=[n % 7 for n in range(ROWS)]
    ),
}


@pytest.mark.parametrize("columns", HEALTHY.values(), ids=HEALTHY.keys())
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_healthy_features_are_passed_over_in_silence(
    leak: Said, columns: dict[str, Any], suffix: str
) -> None:
    assert leak({"train": columns}, suffix, label="y") == []


def test_no_column_of_many_goes_with_a_label_by_chance(leak: Said) -> None:
    random = np.random.default_rng(2)
    columns = {f"c{n}": random.integers(2, size=30).tolist() for n in range(300)}
    columns["y"] = [1, *[0] * 29]
    columns["rare"] = columns["y"]
    assert leak({"train": columns}, label="y", features=[n for n in columns if n != "rare"]) == []


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 3), min_size=40, max_size=60).filter(
        lambda cells: min(map(cells.count, set(cells))) > 4 and len(set(cells)) > 1
    ),
    st.permutations(["a", "b", "c", "d"]),
    st.data(),
)
def test_a_renaming_is_found_and_one_row_that_breaks_it_is_seen(
    tmp_path_factory: pytest.TempPathFactory,
    classes: list[int],
    names: list[str],
    data: st.DataObject,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    renamed = [names[cell] for cell in classes]
    assert len(said(folder, "label_leak", {"train": {"y": classes, "x": renamed}}, label="y")) == 1
    row = data.draw(st.integers(0, len(classes) - 1))
    renamed[row] = next(name for name in renamed if name != renamed[row])
    assert said(folder, "label_leak", {"train": {"y": classes, "x": renamed}}, label="y") == []
