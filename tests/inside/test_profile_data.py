"""The checks, each on data where the truth is known, and on files that nobody should have sent."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.image.inside.dataset.checks import CHECKS
from sandboxes.image.inside.dataset.profiling import profile

SCRIPT = Path("sandboxes/image/inside/profile_data.py")
SURE = 0.5


class Blobs:
    """Three well separated classes in eight dimensions, as CSV rows with an id."""

    def __init__(self, rows: int, seed: int, letter: str = "r") -> None:
        random = np.random.default_rng(seed)
        self.header = ["id", *(f"x{i}" for i in range(8)), "label"]
        labels = random.integers(3, size=rows)
        points = random.normal(size=(rows, 8)) + 8 * np.eye(8)[labels]
        self.rows = [
            [f"{letter}{n}", *(f"{v:.3f}" for v in point), "abc"[label]]
            for n, (point, label) in enumerate(zip(points, labels, strict=True))
        ]

    def write(self, path: Path) -> dict[str, Any]:
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([self.header, *self.rows])
        split = path.stem if path.stem in ("train", "validation", "holdout") else "other"
        return {
            "path": path.name,
            "source": str(path),
            "split": split,
            "label": "label",
            "id": "id",
        }


def ask(*files: dict[str, Any]) -> dict[str, Any]:
    answer = profile({"files": list(files)})
    json.dumps(answer, allow_nan=False)
    assert [p for p in answer["problems"] if p["kind"] == "check_failed"] == []
    return answer


def sure(file: dict[str, Any]) -> dict[int, str]:
    return {d["row"]: d["check"] for d in file["quarantined"] if d["confidence"] >= SURE}


def checks(file: dict[str, Any]) -> set[str]:
    return {fault["check"] for fault in file["faults"]}


def test_each_planted_flaw_is_found_and_nothing_else(tmp_path: Path) -> None:
    train, validation = Blobs(400, 1), Blobs(150, 2, "v")
    rows = train.rows
    rows[3][1:] = validation.rows[7][1:]
    rows[90] = ["copy", *rows[10][1:]]
    rows[91] = ["conflict", *rows[11][1:-1], "b" if rows[11][-1] != "b" else "c"]
    rows[20][4] = ""
    rows[21][4] = "seven"
    rows[22][4] = "250"
    rows[23][4] = "inf"
    rows[24][-1] = ""
    flipped = range(30, 42)
    for row in flipped:
        rows[row][-1] = "abc"[("abc".index(rows[row][-1]) + 1) % 3]
    rows[50].append("one more")
    train_spec = train.write(tmp_path / "train.csv")
    answer = ask(train_spec, validation.write(tmp_path / "validation.csv"))
    assert sure(answer["files"][0]) == {
        3: "split_overlap",
        20: "missing_cell",
        21: "malformed_cell",
        22: "out_of_range",
        23: "out_of_range",
        24: "missing_cell",
        50: "ragged_row",
        90: "duplicate",
        91: "conflicting_label",
        **dict.fromkeys(flipped, "suspicious_label"),
    }
    assert answer["files"][1]["quarantined"] == []


def test_it_is_deterministic(tmp_path: Path) -> None:
    spec = Blobs(200, 3).write(tmp_path / "train.csv")
    assert ask(spec) == ask(spec)


def test_a_profile_says_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_bytes(b"\xef\xbb\xbfid,x,name,y\r\n1,0.5,a,0\r\n2,,b,1\r\n3,1.5,a,1\r\n")
    (file,) = ask({"path": "t", "source": str(path), "split": "train", "label": "y", "id": "id"})[
        "files"
    ]
    assert (file["rows"], file["size_bytes"]) == (3, path.stat().st_size)
    assert file["label_counts"] == {"0": 1, "1": 2}
    x = next(column for column in file["columns"] if column["name"] == "x")
    assert x == {
        "name": "x",
        "type": "number",
        "missing": 1,
        "distinct": 2,
        "minimum": 0.5,
        "maximum": 1.5,
        "mean": 1.0,
        "std": 0.5,
    }
    assert [column["type"] for column in file["columns"]] == [
        "integer",
        "number",
        "text",
        "integer",
    ]


def test_every_row_is_counted_though_long_labels_are_shown_alike(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    long = "a" * 90
    path.write_text(f"x,y\n1,{long}b\n2,{long}c\n3,{long}c\n4,d\n")
    (file,) = ask({"path": "t", "source": str(path), "split": "train", "label": "y"})["files"]
    assert file["label_counts"] == {"a" * 79 + "…": 3, "d": 1}


def test_a_private_file_shows_its_shape_alone(tmp_path: Path) -> None:
    secret = tmp_path / "train.csv"
    Blobs(60, 4).write(secret)
    spec = {"path": "s", "source": str(secret), "split": "train", "label": "label", "private": True}
    (file,) = ask(spec)["files"]
    assert file["rows"] == 60
    assert file["label_counts"] == {}
    assert file["quarantined"] == []
    assert all(set(column) == {"name", "type", "missing", "distinct"} for column in file["columns"])
    assert all(column["distinct"] == 0 for column in file["columns"])


def test_rows_that_coincide_by_chance_are_no_sure_duplicates(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for name, rows in (("train", 500), ("validation", 200)):
        cells = random.integers(3, size=(rows, 3))
        text = "\n".join(",".join(map(str, row)) for row in cells)
        (tmp_path / f"{name}.csv").write_text("a,b,y\n" + text)
    files = ask(
        *(
            {"path": n, "source": str(tmp_path / f"{n}.csv"), "split": n, "label": "y"}
            for n in ("train", "validation")
        )
    )["files"]
    assert sure(files[0]) == {}
    assert {"duplicate", "split_overlap"} <= checks(files[0])


def test_a_number_of_the_row_hides_no_copies(tmp_path: Path) -> None:
    train, held = Blobs(120, 1), Blobs(60, 2)
    held.rows[:30] = train.rows[:30]
    for blobs, first in ((train, 0), (held, 5000)):
        blobs.header = ["n", *blobs.header[1:]]
        blobs.rows = [[str(first + at), *row[1:]] for at, row in enumerate(blobs.rows)]
    asked = [b.write(tmp_path / f"{s}.csv") for b, s in ((train, "train"), (held, "validation"))]
    for one in asked:
        one.pop("id")
    answer = ask(*asked)["files"][0]
    [found] = [f for f in answer["faults"] if f["check"] == "split_overlap"]
    assert (found["rows"], found["detail"]) == (30, "rows also stand in validation, but for n")
    assert "split_overlap" not in sure(answer).values()


def test_labels_that_cannot_be_told_from_the_features_are_left_alone(tmp_path: Path) -> None:
    blobs = Blobs(300, 6)
    random = np.random.default_rng(66)
    for row in blobs.rows:
        row[-1] = "abc"[random.integers(3)]
    (file,) = ask(blobs.write(tmp_path / "train.csv"))["files"]
    assert "suspicious_label" not in sure(file).values()
    assert any("can't tell" in fault["detail"] for fault in file["faults"])


@pytest.mark.parametrize("seed", range(5))
def test_skewed_data_are_not_out_of_range(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            "income": random.lognormal(10, 1.0, 2000),
            "spikes": random.poisson(0.05, 2000) * random.integers(1, 17, 2000),
            "waiting": random.exponential(3, 2000),
            "normal": random.normal(size=2000),
        }
    )
    frame.write_csv(tmp_path / "train.csv")
    spec = {"path": "t", "source": str(tmp_path / "train.csv"), "split": "train"}
    assert "out_of_range" not in sure(ask(spec)["files"][0]).values()


def test_a_quantity_gets_no_label_checks_but_copies_count(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    rows = [[*random.normal(size=5), random.normal()] for _ in range(200)]
    rows[60] = list(rows[5])
    rows[61] = [*rows[6][:-1], 3.25]
    text = "\n".join(",".join(f"{v:.4f}" for v in row) for row in rows)
    (tmp_path / "train.csv").write_text("a,b,c,d,e,y\n" + text)
    spec = {"path": "t", "source": str(tmp_path / "train.csv"), "split": "train", "label": "y"}
    assert sure(ask(spec)["files"][0]) == {60: "duplicate"}


def test_splits_that_differ_are_noted(tmp_path: Path) -> None:
    train, validation = Blobs(200, 8), Blobs(200, 9)
    for row in validation.rows:
        row[2] = f"{float(row[2]) + 4:.3f}"
        row[3] = "word"
        row[4] = "1"
    validation.header[5] = "renamed"
    _, file = ask(
        train.write(tmp_path / "train.csv"), validation.write(tmp_path / "validation.csv")
    )["files"]
    said = " ".join(fault["detail"] for fault in file["faults"])
    assert {"schema", "drift", "constant_column"} <= checks(file)
    for words in ("lacks columns of train: x4", "types than train in: x2", "never vary: x2, x3"):
        assert words in said


def test_json_lines_parquet_and_arrays_are_read(tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1.5, None, 3.0] * 20, "tags": [["a"], [], None] * 20})
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text('{"x": 1, "y": "a"}\n\n{"x": null, "y": "b"}\n')
    np.save(tmp_path / "a.npy", np.zeros((7, 2)))
    np.savez(tmp_path / "a.npz", big=np.zeros((9, 2)), small=np.zeros(3))
    names = ("a.parquet", "a.jsonl", "a.npy", "a.npz")
    answer = ask(*({"path": n, "source": str(tmp_path / n)} for n in names))
    assert answer["problems"] == []
    assert [file["rows"] for file in answer["files"]] == [60, 2, 7, 9]


def test_a_pickle_in_an_array_file_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (file,) = ask({"path": "a", "source": str(tmp_path / "a.npy")})["files"]
    assert file["rows"] == 1


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n\r\n\n", "empty"),
        ("a.csv", bytes(range(256)) * 40, "binary"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "binary"),
        ("a.csv", b'a,b\n1,"2\n', "malformed"),
        ("a.csv", b'a,b\n1,x"y\n3,4\n5,"6\n', "malformed"),
        ("a.jsonl", b'{"a": 1}\n{"a": \n', "malformed"),
        ("a.jsonl", b"[1, 2]\n", "malformed"),
        ("a.jsonl", b'{"a":' * 5000, "malformed"),
        ("a.parquet", b"PAR1 no, not really PAR1", "malformed"),
        ("a.npy", b"\x93NUMPY\x01\x00garbage", "malformed"),
        ("a.npz", b"PK\x03\x04garbage", "malformed"),
        ("a.xls", b"a", "format"),
        ("a", b"a", "format"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_typed_problem(
    tmp_path: Path, name: str, content: bytes, kind: str
) -> None:
    (tmp_path / name).write_bytes(content)
    answer = ask({"path": name, "source": str(tmp_path / name), "split": "train"})
    assert [problem["kind"] for problem in answer["problems"]] == [kind]
    assert answer["files"][0]["size_bytes"] == len(content)


def test_missing_files_and_folders_are_problems_and_the_rest_is_read(tmp_path: Path) -> None:
    answer = ask(
        {"path": "gone.csv", "source": str(tmp_path / "gone.csv")},
        {"path": "folder", "source": str(tmp_path)},
        Blobs(5, 1).write(tmp_path / "train.csv"),
    )
    assert [problem["kind"] for problem in answer["problems"]] == ["missing", "not_a_file"]
    assert [file["path"] for file in answer["files"]] == ["train.csv"]


@settings(max_examples=150)
@given(st.binary(max_size=400), st.sampled_from(["csv", "tsv", "jsonl", "parquet", "npy", "npz"]))
def test_no_bytes_make_it_stumble(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"wild.{suffix}"
    path.write_bytes(content)
    ask({"path": "a", "source": str(path), "split": "train", "label": "a", "id": "b"})


WILD = st.text(
    st.one_of(
        st.sampled_from('0123456789-.,;"\n\r einfNa'), st.characters(exclude_categories=["Cs"])
    ),
    max_size=10,
)


@settings(max_examples=150)
@given(st.lists(st.lists(WILD, max_size=5), max_size=15), st.sampled_from(["train", "holdout"]))
def test_no_cells_make_it_stumble(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], split: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    body = "\n".join(",".join(cells) for cells in rows)
    (folder / "wild_a.csv").write_bytes(("a,b,c\n" + body).encode())
    (folder / "wild_b.csv").write_bytes(("a,b,c\n1,2,3\n" + body).encode())
    ask(
        {"path": "a", "source": str(folder / "wild_a.csv"), "split": "train", "label": "c"},
        {"path": "b", "source": str(folder / "wild_b.csv"), "split": split, "label": "c"},
    )


def test_ten_thousand_columns_and_many_rows_are_bounded(tmp_path: Path) -> None:
    random = np.random.default_rng(10)
    wide = random.integers(9, size=(60, 10_000)).astype(str)
    lines = [",".join(f"c{i}" for i in range(10_000)), *(",".join(row) for row in wide)]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    spec = {"path": "w", "source": str(tmp_path / "wide.csv"), "split": "train", "label": "c0"}
    answer = ask(spec)
    assert len(answer["files"][0]["columns"]) == 10_000


def test_every_check_is_in_the_documents() -> None:
    text = Path("docs/data-checks.md").read_text()
    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert named == [name for name, _ in CHECKS]


def test_many_columns_of_two_splits_are_bounded(tmp_path: Path) -> None:
    random = np.random.default_rng(10)
    files = []
    for split in ("train", "holdout"):
        cells = random.normal(size=(2500, 40)).round(3)
        frame = pl.DataFrame({f"c{n}": column for n, column in enumerate(cells)})
        frame.write_parquet(tmp_path / f"{split}.parquet")
        path = tmp_path / f"{split}.parquet"
        files.append({"path": split, "source": str(path), "split": split, "label": "c0"})
    assert [checks(file) - {"suspicious_label"} for file in ask(*files)["files"]] == [set(), set()]


def test_an_infinite_label_stops_no_check(tmp_path: Path) -> None:
    lines = ["a,y", *(f"{n * 7 % 31},{n % 3}" for n in range(90)), "5,inf"]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    ask({"path": "t", "source": str(tmp_path / "train.csv"), "split": "train", "label": "y"})


def test_the_script_answers_in_json_on_standard_output(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps({"files": [Blobs(60, 1).write(tmp_path / "train.csv")]}))
    done = subprocess.run(
        [sys.executable, "-B", str(SCRIPT), str(spec)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["files"][0]["rows"] == 60
    assert done.stderr == ""
