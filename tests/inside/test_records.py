"""The record splitter: a cleaned file is the original minus exactly the dropped records."""

import hashlib
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandboxes.image.inside.dataset.cleaning import clean
from sandboxes.image.inside.dataset.reading import Unreadable
from sandboxes.image.inside.dataset.records import guess_separator, split_records, without

CELLS = st.text(
    st.one_of(
        st.sampled_from('",;\t\r\n |ä€𝄞0123456789-.'),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=8,
)


@st.composite
def delimited(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A valid delimited file as its header and its records, in bytes."""
    width = draw(st.integers(1, 4))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    all_quoted = draw(st.booleans())
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=12))

    def record(cells: list[str]) -> bytes:
        marks = ',"\r\n'
        written = [
            '"' + cell.replace('"', '""') + '"'
            if all_quoted or cells == [""] or any(mark in cell for mark in marks)
            else cell
            for cell in cells
        ]
        return (",".join(written) + ending).encode()

    header = record([f"column {i}" for i in range(width)])
    records = [record(row) for row in rows]
    if draw(st.booleans()):
        header = b"\xef\xbb\xbf" + header
    unfinished = draw(st.booleans())
    if records and unfinished:
        records[-1] = records[-1].removesuffix(ending.encode())
    return header, records


def order(source: Path, rows: list[int], output: Path) -> dict[str, object]:
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    return {"source": str(source), "sha256": sha256, "rows": rows, "output": str(output)}


@settings(max_examples=200)
@given(delimited(), st.data())
def test_a_cleaned_file_is_the_original_minus_exactly_the_dropped_records(
    parts: tuple[bytes, list[bytes]], data: st.DataObject
) -> None:
    header, records = parts
    drop = data.draw(st.sets(st.integers(0, len(records) - 1))) if records else set()
    original = header + b"".join(records)
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "train.csv"), Path(folder, "cleaned", "train.csv")
        source.write_bytes(original)
        said = clean(order(source, sorted(drop), output))
        kept = [record for row, record in enumerate(records) if row not in drop]
        assert output.read_bytes() == header + b"".join(kept)
        assert source.read_bytes() == original
        assert said == {
            "sha256": hashlib.sha256(output.read_bytes()).hexdigest(),
            "rows_before": len(records),
            "rows_after": len(kept),
        }


@settings(max_examples=200)
@given(st.binary(max_size=300), st.sampled_from(",;\t"))
def test_any_bytes_split_into_records_that_cover_them(data: bytes, separator: str) -> None:
    records = split_records(data, separator)
    assert all(a <= b for a, b in zip(records.starts, records.ends, strict=True))
    if len(records.ends):
        assert records.ends[-1] == len(data)
        assert (records.starts[1:] == records.ends[:-1]).all()
    assert b"".join(without(data, records, set())) == data


def test_blank_lines_are_no_rows_and_stay_where_they_are(tmp_path: Path) -> None:
    source = tmp_path / "train.csv"
    source.write_bytes(b"\n\na,b\n1,2\n\n3,4\n\n")
    clean(order(source, [0], tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes() == b"\n\na,b\n\n3,4\n\n"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b'a,b\n1,"2\n3,4\n', "never closes"),
        ("a.csv", b"a,b\n1,2\n", "there is no row 5"),
        ("a.csv", b"a\0b\n1\n", "NUL"),
        ("a.csv", b"", "nothing but empty lines"),
        ("a.xlsx", b"x", "can't be taken out"),
        ("a.jsonl", b'{"a": 1}\n', "there is no row 5"),
    ],
)
def test_what_cannot_be_cut_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    source, output = tmp_path / name, tmp_path / "out" / name
    source.write_bytes(content)
    with pytest.raises(Unreadable, match=why):
        clean(order(source, [5], output))
    assert not output.exists()


def test_a_file_that_changed_since_it_was_profiled_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_bytes(b"a\n1\n2\n")
    call = order(source, [0], tmp_path / "out.csv")
    source.write_bytes(b"a\n1\n2\n3\n")
    with pytest.raises(Unreadable, match="changed"):
        clean(call)


def test_latin_1_json_lines_and_parquet_are_cut_too(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("stadt,n\nKöln,1\nBüren,2\n".encode("latin-1"))
    clean(order(latin, [0], tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes() == "stadt,n\nBüren,2\n".encode("latin-1")
    lines = tmp_path / "a.jsonl"
    lines.write_bytes(b'{"a": 1}\r\n\r\n{"a":2}\n{"a": 3}')
    clean(order(lines, [1], tmp_path / "out.jsonl"))
    assert (tmp_path / "out.jsonl").read_bytes() == b'{"a": 1}\r\n\r\n{"a": 3}'
    parquet = tmp_path / "a.parquet"
    pl.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]}).write_parquet(parquet)
    said = clean(order(parquet, [1], tmp_path / "out.parquet"))
    assert pl.read_parquet(tmp_path / "out.parquet").rows() == [(1, "x"), (3, "z")]
    assert json.loads(json.dumps(said))["rows_after"] == 2


def test_the_separator_is_read_off_the_first_line_outside_quotes() -> None:
    assert guess_separator(b'"a,b,c,d";x;y\n1;2;3\n') == ";"
    assert guess_separator(b"\xef\xbb\xbfa\tb\n") == "\t"
    assert guess_separator(b"one\n1\n") == ","
