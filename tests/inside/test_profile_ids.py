"""Ids that several splits have, and numbers that each file gives its own rows."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.image.inside.dataset.profiling import profile
from tests.inside.profiled import profiled, said

Said = Callable[..., list[str]]


@pytest.fixture
def shared(tmp_path: Path) -> Said:
    return partial(said, tmp_path, "shared_id")


def of(name: str, ids: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """A split with these ids; no two of its rows are alike, nor alike to another split's."""
    random = np.random.default_rng(len(ids))
    a, b = random.normal(size=(2, len(ids))).tolist()
    return {name: ids, "a": a, "b": b}


def codes(seed: int, count: int) -> list[str]:
    return [f"{value:08x}" for value in np.random.default_rng(seed).integers(2**32, size=count)]


def test_ids_in_training_and_holdout_are_told_with_examples(shared: Said) -> None:
    mine = codes(1, 100)
    both = sorted(mine[10:14])
    splits = {"train": of("sample_id", mine), "holdout": of("sample_id", [*codes(2, 26), *both])}
    assert shared(splits) == [
        "train: warning: 4 rows have an id (sample_id) that holdout has too, 4 of 100 ids, e.g."
        f" {', '.join(both[:3])}"
    ]


def test_a_patient_may_have_several_rows_and_a_sample_one(shared: Said) -> None:
    mine = [f"P-{n // 4}x" for n in range(200)]
    for name, told in (("sample_id", 0), ("PatientID", 1), ("patient", 1), ("patience", 0)):
        splits = {"train": of(name, mine), "holdout": of(name, codes(3, 40) + mine[:2])}
        assert [", 1 of 50 ids" in line for line in shared(splits)] == [True] * told


def test_numbers_of_subjects_with_several_rows_are_no_numbers_of_rows(shared: Said) -> None:
    both = {"train": [n // 5 for n in range(200)], "holdout": [n // 2 for n in range(60)]}
    [told] = shared({name: of("subject", ids) for name, ids in both.items()})
    assert "150 rows have an id (subject) that holdout has too, 30 of 40 ids" in told


def test_two_held_out_splits_are_a_note(shared: Said) -> None:
    ids = codes(1, 60)
    splits = {"validation": of("uuid", ids[:40]), "holdout": of("uuid", ids[38:])}
    [told] = shared(splits)
    assert told.startswith("validation: note: 2 rows have an id (uuid) that holdout has too")


def test_numbers_and_their_fractions_and_text_are_one_id(shared: Said) -> None:
    ids = list(range(1000, 9000, 80))
    for theirs in ([float(n) for n in ids[:5]], [str(n) for n in ids[:5]] + codes(1, 20)):
        splits = {"train": of("id", ids), "holdout": of("id", theirs)}
        [told] = shared(splits, "parquet")
        assert "5 of 100 ids" in told


def test_rows_are_surely_doubted_where_the_ticket_names_the_id(tmp_path: Path) -> None:
    mine = codes(1, 100)
    splits = {"train": of("key", mine), "holdout": of("key", [*codes(2, 30), *mine[:4]])}
    doubts = profiled(tmp_path, splits, id="key")["train"]["quarantined"]
    assert [(d["row"], d["check"], d["confidence"]) for d in doubts] == [
        (row, "shared_id", 0.8) for row in range(4)
    ]
    assert doubts[0]["reason"] == f"key {mine[0]} also stands in holdout"
    splits["holdout"] = of("key", [*mine, "another"])
    many = profiled(tmp_path, splits, id="key")["train"]["quarantined"]
    assert {doubt["confidence"] for doubt in many} == {0.4}
    guessed = {name: of("key_id", columns["key"]) for name, columns in splits.items()}
    rows = profiled(tmp_path, guessed)["train"]["quarantined"]
    assert {doubt["confidence"] for doubt in rows} == {0.4}


def test_a_private_file_shows_no_id(shared: Said) -> None:
    ids = codes(1, 60)
    splits = {"train": of("id", ids), "holdout": of("id", ids[:3])}
    assert shared(splits, private=True) == [
        "train: warning: 3 rows have an id (id) that holdout has too, 3 of 60 ids"
    ]


def test_a_private_row_is_told_by_its_place(tmp_path: Path) -> None:
    rows = of("id", codes(1, 60))
    for name in ("train", "holdout"):
        pl.DataFrame(rows).write_csv(tmp_path / f"{name}.csv")
    files = [
        {"path": name, "source": str(tmp_path / f"{name}.csv"), "split": name, "private": private}
        for name, private in (("train", False), ("holdout", True))
    ]
    doubts = profile({"files": files})["files"][0]["quarantined"]
    assert doubts[7]["reason"] == "equals row 7 of holdout"


def split_of_one_table(rows: int, held: int, seed: int) -> tuple[list[int], list[int]]:
    order = np.random.default_rng(seed).permutation(rows) + 1
    return order[held:].tolist(), order[:held].tolist()


def test_one_table_split_at_random_is_healthy_and_a_few_shared_rows_are_seen(
    shared: Said,
) -> None:
    mine, theirs = split_of_one_table(1000, 200, 1)
    assert shared({"train": of("id", mine), "holdout": of("id", theirs)}) == []
    [told] = shared({"train": of("id", mine), "holdout": of("id", theirs + mine[:5])})
    assert "5 of 800 ids" in told


HEALTHY: dict[str, tuple[str, Sequence[Any], Sequence[Any]]] = {
    "each file numbers its rows": ("id", range(100), range(30)),
    "from one, in any order": ("id", [*range(100, 0, -1)], [*range(1, 31)][::-1]),
    "with a letter": ("row_id", [f"r{n}" for n in range(100)], [f"r{n}" for n in range(30)]),
    "with zeros and an ending": (
        "image_id",
        [f"{n:05d}.png" for n in range(100)],
        [f"{n:05d}.png" for n in range(30)],
    ),
    "with rows taken out": (
        "id",
        [n for n in range(100) if n % 7],
        [n for n in range(30) if n % 5],
    ),
    "fractions": ("id", [n + 0.5 for n in range(100)], [n + 0.5 for n in range(30)]),
    "numbers as fractions": ("id", [float(n) for n in range(100)], [float(n) for n in range(30)]),
    "a store, a user": ("store_id", [n % 20 for n in range(100)], [n % 20 for n in range(40)]),
    "a category": ("color", ["red", "blue"] * 50, ["red", "blue"] * 20),
    "an unnamed index": ("", range(0, 200, 2), range(0, 60, 2)),
    "index": ("index", range(0, 200, 2), range(0, 60, 2)),
    "no ids": ("id", [None] * 100, [None] * 30),
    "a few ids": ("id", [*codes(1, 60), *[None] * 40], [*codes(2, 20), *[None] * 10]),
    "a name that ends alike": ("grid", range(0, 200, 2), range(0, 60, 2)),
}


@pytest.mark.parametrize(("name", "mine", "theirs"), HEALTHY.values(), ids=HEALTHY.keys())
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_healthy_ids_are_passed_over_in_silence(
    shared: Said, name: str, mine: Sequence[Any], theirs: Sequence[Any], suffix: str
) -> None:
    splits = {"train": of(name, list(mine)), "holdout": of(name, list(theirs))}
    assert shared(splits, suffix) == []


def test_a_label_is_no_id(shared: Said) -> None:
    ids = codes(1, 60)
    splits = {"train": of("class_id", ids), "holdout": of("class_id", ids[:10])}
    assert shared(splits, label="class_id") == []


@settings(max_examples=40)
@given(
    st.integers(60, 300),
    st.integers(5, 25),
    st.integers(0, 4),
    st.integers(0, 10**6),
    st.sampled_from(["", "s", "2020-"]),
)
def test_exactly_the_shared_ids_of_a_split_are_found(
    tmp_path_factory: pytest.TempPathFactory,
    rows: int,
    held: int,
    leaked: int,
    seed: int,
    letters: str,
) -> None:
    mine, theirs = split_of_one_table(rows, held, seed)
    splits = {
        "train": of("id", [f"{letters}{n}" for n in mine]),
        "holdout": of("id", [f"{letters}{n}" for n in theirs + mine[:leaked]]),
    }
    told = said(tmp_path_factory.getbasetemp(), "shared_id", splits)
    assert [f", {leaked} of {len(mine)} ids" in line for line in told] == [True] * (leaked > 0)
