"""Columns that drift between splits, and samples that differ only as samples do."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import comb, factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.image.inside.dataset.chance import agreement, tail
from tests.inside.profiled import profiled, said

Said = Callable[..., list[str]]


@pytest.fixture
def drift(tmp_path: Path) -> Said:
    return partial(said, tmp_path, "drift")


def drawn(shares: dict[str, float], rows: int, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    return [str(name) for name in random.choice(list(shares), size=rows, p=list(shares.values()))]


def test_a_category_that_moved_is_told_with_its_shares(drift: Said) -> None:
    train = {"city": ["Rome"] * 20 + ["Oslo"] * 180}
    held = {"city": ["Rome"] * 60 + ["Oslo"] * 40}
    [told] = drift({"train": train, "holdout": held})
    assert told.startswith("holdout: note: 0 1 column spread otherwise than in train: city (0.4")
    assert told.endswith("; 'Oslo' is 90% of rows there, 40% here)")


def test_a_category_that_training_never_has_is_drift(drift: Said) -> None:
    common = {f"c{n:02d}": 0.05 for n in range(20)}
    train = {"site": drawn(common, 1000, 1)}
    held = {"site": [*drawn(common, 60, 2), *["new"] * 40]}
    [told] = drift({"train": train, "holdout": held})
    assert "'new' is 0% of rows there, 40% here" in told


def test_numbers_and_categories_are_told_together_the_worst_first(drift: Said) -> None:
    train = {"a": list(range(100)), "b": ["x", "y"] * 50, "c": list(range(100))}
    held = {"a": list(range(50, 150)), "b": ["z"] * 100, "c": list(range(100))}
    [told] = drift({"train": train, "validation": held})
    assert "2 columns spread otherwise than in train: b (0.9" in told
    assert told.index("b (") < told.index("a (0.50)")


def test_a_private_file_shows_no_category(drift: Said) -> None:
    splits = {"train": {"b": ["x", "y"] * 50}, "holdout": {"b": ["z"] * 100}}
    [told] = drift(splits, private=True)
    assert "z" not in told.partition("train: ")[2]


def thousands(seed: int, rows: int) -> dict[str, Sequence[Any]]:
    """Columns whose true spread is the same in any split."""
    random = np.random.default_rng(seed)
    few = {"red": 0.5, "green": 0.3, "blue": 0.2}
    many = {f"v{n}": 1 / 400 for n in range(400)}
    long_tail = {f"t{n}": 1 / (n + 1) for n in range(200)}
    total = sum(long_tail.values())
    long_tail = {name: share / total for name, share in long_tail.items()}
    return {
        "few": drawn(few, rows, seed),
        "many": drawn(many, rows, seed + 1),
        "tail": drawn(long_tail, rows, seed + 2),
        "own": [f"{seed}-{n}" for n in range(rows)],
        "gaps": [None if n % 3 else "a" for n in range(rows)],
        "flag": random.integers(2, size=rows).tolist(),
        "number": random.normal(size=rows).tolist(),
    }


@pytest.mark.parametrize("rows", [5, 31, 60, 300])
@pytest.mark.parametrize("seed", range(3))
def test_samples_of_one_population_are_passed_over(drift: Said, rows: int, seed: int) -> None:
    assert drift({"train": thousands(seed, 400), "holdout": thousands(seed + 50, rows)}) == []


def test_many_columns_of_small_samples_are_passed_over(drift: Said) -> None:
    random = np.random.default_rng(7)
    splits = {
        split: {
            f"n{n}": column
            for n, column in enumerate(random.normal(size=(400, rows)).round(4).tolist())
        }
        | {
            f"c{n}": ["abcd"[cell] for cell in column]
            for n, column in enumerate(random.integers(4, size=(100, rows)))
        }
        for split, rows in (("train", 40), ("holdout", 32))
    }
    assert drift(splits) == []


@pytest.mark.parametrize("total", [8, 13, 21])
def test_the_tail_is_bounded_closely_from_above(total: int) -> None:
    for marked in range(total + 1):
        for drawn in range(total + 1):
            least, most = max(0, marked + drawn - total), min(marked, drawn)
            ways = [
                comb(marked, k) * comb(total - marked, drawn - k) for k in range(least, most + 1)
            ]
            found = [tail(k, drawn, marked, total) for k in range(least, most + 1)]
            exact = [sum(ways[k:]) / comb(total, drawn) for k in range(len(ways))]
            assert all(f >= e * (1 - 1e-9) for f, e in zip(found, exact, strict=True))
            assert all(f <= 1.5 * e for f, e in zip(found, exact, strict=True) if f < 0.05)
            assert all(a >= b - 1e-9 for a, b in pairwise(found))


def test_agreement_by_chance_is_what_counting_says() -> None:
    assert agreement([2, 2], ordered=False) == pytest.approx(2 / comb(4, 2))
    assert agreement([1, 1, 1], ordered=True) == pytest.approx(2 / factorial(3))
    assert agreement([50], ordered=False) == 1.0
    assert agreement([500, 500], ordered=False) < 1e-200


CELLS = st.lists(
    st.one_of(st.none(), st.sampled_from(["a", "b", "1", " ", "é"]), st.text(max_size=3)),
    max_size=12,
)


@settings(max_examples=40)
@given(CELLS, CELLS, st.integers(1, 40))
def test_no_categories_make_it_stumble(
    tmp_path_factory: pytest.TempPathFactory, first: list[Any], second: list[Any], times: int
) -> None:
    columns = [[None, *cells] * times for cells in (first, second)]
    texts = [[c if c is None else c.replace("\0", "") for c in cells] for cells in columns]
    splits: dict[str, dict[str, list[Any]]] = {
        "train": {"a": texts[0], "b": ["x"] * len(texts[0])},
        "holdout": {"a": texts[1], "b": ["y"] * len(texts[1])},
    }
    profiled(tmp_path_factory.getbasetemp(), splits, "parquet")
