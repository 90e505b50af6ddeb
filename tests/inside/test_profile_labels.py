"""Classes that a split lacks and spellings of one class, and data where nothing is wrong."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.image.inside.dataset.profiling import profile
from sandboxes.image.inside.dataset.spellings import folded, spellings, usual_spelling
from tests.inside.profiled import profiled, said

Said = Callable[..., list[str]]


@pytest.fixture
def unseen(tmp_path: Path) -> Said:
    return partial(said, tmp_path, "unseen_class", label="y")


@pytest.fixture
def spelt(tmp_path: Path) -> Said:
    return partial(said, tmp_path, "label_spelling", label="y")


def labels(*names: object) -> dict[str, Sequence[Any]]:
    """A split with these labels and a feature that says nothing."""
    return {"x": [place % 7 / 2 for place in range(len(names))], "y": names}


def drawn(names: Sequence[object], rows: int, seed: int) -> dict[str, Sequence[Any]]:
    """A split with labels drawn alike from some names, each of them in training."""
    random = np.random.default_rng(seed)
    return labels(*(names[place] for place in random.integers(len(names), size=rows)))


def test_classes_that_training_never_has_are_told_with_their_rows(unseen: Said) -> None:
    train = labels(*["cat", "dog"] * 50)
    held = labels(*["cat"] * 10, *["bird"] * 4, "fish", "dog")
    assert unseen({"train": train, "holdout": held}) == [
        "holdout: warning: 5 rows of 2 classes that training never has:"
        " 'bird' (4 rows), 'fish' (1 row)"
    ]


def test_many_unseen_classes_are_told_in_part(unseen: Said) -> None:
    held = labels(*[f"c{n:02d}" for n in range(20)])
    told = unseen({"train": labels(*["cat", "dog"] * 50), "holdout": held})[0]
    assert told.startswith("holdout: warning: 20 rows of 20 classes that training never has")
    assert told.endswith("'c04' (1 row) and 15 more")


def test_a_class_that_only_training_has_is_a_note_if_chance_does_not_explain_it(
    unseen: Said,
) -> None:
    train = labels(*["cat", "dog"] * 100, *["bird"] * 60, "fish")
    held = labels(*["cat", "dog"] * 25)
    assert unseen({"train": train, "validation": held}) == [
        "validation: note: 0 has no row of 1 class of training: 'bird' (60 rows)"
    ]
    assert unseen({"train": train, "validation": labels(*["cat", "dog"] * 4)}) == []


def test_classes_are_those_of_all_training_files(unseen: Said) -> None:
    splits = {
        "train_1": labels(*["cat"] * 40),
        "train_2": labels(*["dog"] * 40),
        "holdout": labels(*["cat", "dog"] * 10),
    }
    assert unseen(splits) == []
    assert len(unseen(splits | {"holdout": labels("cat", "dog", "bird")})) == 1


def test_training_that_was_read_in_part_tells_of_no_class(tmp_path: Path) -> None:
    files = []
    for name, cells in (("train", ["cat", "dog"] * 50), ("holdout", ["bird"] * 9)):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["x,y", *(f"{n},{cell}" for n, cell in enumerate(cells))]))
        files.append({"path": name, "source": str(path), "split": name, "label": "y"})
    gone = {"path": "gone", "source": str(tmp_path / "gone.csv"), "split": "train", "label": "y"}
    for asked, told in ((files, 2), ([*files, gone], 0), ([*files, gone | {"split": "other"}], 2)):
        answer = profile({"files": asked})["files"]
        found = [f for file in answer for f in file["faults"] if f["check"] == "unseen_class"]
        assert len(found) == told


def test_a_private_file_names_no_class(unseen: Said) -> None:
    splits = {"train": labels(*["cat", "dog"] * 50), "holdout": labels("cat", "bird", "Dog")}
    assert unseen(splits, private=True) == [
        "holdout: warning: 1 rows of 1 class that training never has"
    ]


HEALTHY: dict[str, dict[str, dict[str, Sequence[Any]]]] = {
    "the same classes": {"train": labels(*"ab" * 50), "holdout": labels(*"ab" * 10)},
    "many classes": {
        "train": drawn([f"k{n}" for n in range(150)], 3000, 1),
        "holdout": drawn([f"k{n}" for n in range(150)], 400, 2),
    },
    "a tiny split": {"train": drawn(range(10), 500, 1), "validation": labels(3, 7)},
    "a split of one class": {"train": labels(*[0] * 95, *[1] * 5), "validation": labels(0, 0)},
    "labels that are missing": {
        "train": labels(*["a", "b"] * 50),
        "holdout": labels(*[None] * 20),
    },
    "some labels missing": {
        "train": labels(*["a", "b", None] * 50),
        "holdout": labels(*["a", None, "b"] * 10),
    },
    "numbers of one class as fractions": {
        "train": labels(*[0, 1] * 50),
        "holdout": labels(*["0.0", "1.0"] * 20),
    },
    "numbers as text": {
        "train": labels(*["0", "1"] * 50, *["other"] * 8),
        "holdout": labels(*[0, 1] * 20),
    },
    "counts with a thin tail": {
        "train": labels(*np.random.default_rng(1).poisson(4, 2000).tolist()),
        "holdout": labels(*np.random.default_rng(2).poisson(4, 400).tolist(), 17),
    },
    "a quantity": {
        "train": labels(*np.random.default_rng(1).normal(size=200).tolist()),
        "holdout": labels(*np.random.default_rng(2).normal(size=50).tolist()),
    },
    "whole numbers that are a quantity": {
        "train": labels(*np.random.default_rng(1).integers(9999, size=400).tolist()),
        "holdout": labels(*np.random.default_rng(2).integers(9999, size=90).tolist()),
    },
    "free text": {
        "train": labels(*[f"a sentence {n}" for n in range(100)]),
        "holdout": labels(*[f"another sentence {n}" for n in range(40)]),
    },
    "outliers learnt from what is normal": {
        "train": labels(*["normal"] * 100),
        "holdout": labels(*["normal", "broken"] * 20),
    },
    "characters to be read": {
        "train": labels(*"aAbBcC" * 20),
        "holdout": labels(*"abABcC" * 5),
    },
    "genotypes": {
        "train": labels(*["AA", "Aa", "aa"] * 30),
        "holdout": labels(*["aa", "Aa", "AA"] * 5),
    },
}


@pytest.mark.parametrize("splits", HEALTHY.values(), ids=HEALTHY.keys())
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_healthy_labels_are_passed_over_in_silence(
    tmp_path: Path, splits: dict[str, Any], suffix: str
) -> None:
    files = profiled(tmp_path, splits, suffix, label="y")
    told = [fault for file in files.values() for fault in file["faults"]]
    assert [f for f in told if f["check"] in ("unseen_class", "label_spelling")] == []


def test_booleans_and_their_words_are_the_same_classes(tmp_path: Path) -> None:
    train = labels(*[True, False] * 40)
    assert said(tmp_path, "unseen_class", {"train": train}, "parquet", label="y") == []
    splits = {"train": train, "holdout": labels(*["True", "False"] * 20)}
    for check in ("unseen_class", "label_spelling"):
        assert said(tmp_path, check, splits, "parquet", label="y") == []


def test_spellings_of_one_class_are_told_with_the_usual_one(spelt: Said) -> None:
    train = labels(*["cat"] * 40, *["dog"] * 40, *["CAT"] * 3, "cat ", " cat", "Dog")
    assert spelt({"train": train}) == [
        "train: warning: 6 rows spell their class in another way than most: 'CAT' (3 rows)"
        " for 'cat', 'cat' with spaces around it (2 rows) for 'cat', 'Dog' (1 row) for 'dog'"
    ]


def test_a_spelling_that_training_never_has_is_told_and_is_no_unseen_class(
    spelt: Said, unseen: Said
) -> None:
    splits = {"train": labels(*["cat", "dog"] * 40), "holdout": labels(*["Cat", "dog"] * 20)}
    assert spelt(splits) == [
        "holdout: warning: 20 rows spell their class in a way that training never does:"
        " 'Cat' (20 rows) for 'cat'"
    ]
    assert unseen(splits) == []


def test_spaces_are_told_among_letters_and_in_two_letters_case_too(spelt: Said) -> None:
    assert len(spelt({"train": labels(*"abcABC" * 20, "a ")})) == 1
    assert len(spelt({"train": labels(*"yn" * 40, "Y")})) == 1


def test_a_file_with_spaces_everywhere_spells_alike(spelt: Said) -> None:
    assert spelt({"train": labels(*[" cat", " dog"] * 40)}) == []


def test_a_private_file_shows_no_spelling(spelt: Said) -> None:
    splits = {"train": labels(*["cat", "dog"] * 40, "Cat")}
    assert spelt(splits, private=True) == [
        "train: warning: 1 rows spell their class in another way than most"
    ]


def test_no_row_is_doubted_for_its_spelling(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    sides = random.integers(2, size=200)
    columns: dict[str, list[Any]] = {
        f"x{n}": (random.normal(size=200) + 9 * sides).round(3).tolist() for n in range(4)
    }
    columns["y"] = ["dog" if side else "cat" for side in sides]
    rows = [place for place, side in enumerate(sides) if not side][:2]
    for row in rows:
        columns["y"][row] = "Cat"
    for cells in columns.values():
        cells.append(cells[rows[0]])
    columns["y"][-1] = "cat"
    file = profiled(tmp_path, {"train": columns}, label="y")["train"]
    assert [doubt["check"] for doubt in file["quarantined"]] == []
    assert "label_spelling" in {fault["check"] for fault in file["faults"]}


NAMES = st.text(st.sampled_from("aAbB\u00df\u1e9e\u00e9e\u0301 \u0131\u01300"), max_size=4)


@settings(max_examples=200)
@given(st.dictionaries(NAMES, st.integers(1, 9), max_size=12))
def test_spellings_fold_alike_and_stand_in_one_group(counts: dict[str, int]) -> None:
    groups = spellings(counts)
    names = [name for group in groups for name in group]
    assert len(names) == len(set(names))
    assert set(names) <= set(counts)
    for group in groups:
        assert len({folded(name) for name in group}) == 1
        assert [counts[name] for name in group] == sorted((counts[n] for n in group), reverse=True)
    usual = usual_spelling(counts)
    assert not set(usual) & set(usual.values())
    assert groups == spellings(dict(reversed(counts.items())))


@settings(max_examples=60)
@given(
    st.lists(NAMES, max_size=30), st.lists(st.one_of(st.none(), st.floats(), NAMES), max_size=30)
)
def test_no_labels_make_it_stumble(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[Any]
) -> None:
    texts = [None if cell is None else str(cell) for cell in second]
    splits = {"train": labels("a", *first), "holdout": labels("b", *texts)}
    profiled(tmp_path_factory.getbasetemp(), splits, label="y")
