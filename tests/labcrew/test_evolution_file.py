"""A spec and its cases: read whole, or refused with the place and the remedy."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.errors import InputError, TicketError
from labcrew.evolution_file import (
    MOST_FILES,
    MOST_PROGRAM_BYTES,
    editable_files,
    may_edit,
    read_cases,
    read_program,
    read_spec,
)

SPEC = """\
---
title: Better packing
repository: .
editable: [pack.py]
program: {command: "python3 pack.py {input} {output} {seed}"}
scorer: {command: "python3 scorer.py {runs} {scores}", private: [scorer.py]}
cases: cases.jsonl
metric: {name: radii, low: 0, high: 3}
---
Pack the circles.
"""


def lines(*cases: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(case) for case in cases).encode()


def case(id: str, split: str, input: Any = None) -> dict[str, Any]:
    return {"id": id, "split": split, "input": id if input is None else input}


WHOLE = (case("a", "analysis"), case("g", "gate"), case("s", "sealed"))


def test_a_spec_is_read() -> None:
    spec = read_spec(SPEC)
    assert spec.question == "Pack the circles."
    assert (spec.metric.worst, spec.budget.rounds, spec.keep.racing) == (0, 100, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{output} ", "", "program.command must contain {output}"),
        ("{seed}", "{case}", "program.command uses {case}"),
        ("{scores}", "", "scorer.command must contain {scores}"),
        ("low: 0, high: 3", "low: 3, high: 0", "must be less than high"),
        ("private: [scorer.py]", "private: []", "at least 1"),
        ("editable: [pack.py]", "edible: [pack.py]", "Did you mean editable"),
        ("editable: [pack.py]", "editable: [../pack.py]", "SPEC.md:4"),
        ("cases: cases.jsonl", "cases: /etc/passwd", "cases"),
        ("title: Better packing\n", "", "title: missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, said: str) -> None:
    assert old in SPEC
    with pytest.raises(TicketError) as caught:
        read_spec(SPEC.replace(old, new))
    assert said in f"{caught.value.message}"
    assert "SPEC.md" in caught.value.message


def test_cases_are_read_with_their_splits() -> None:
    found = read_cases(lines(*WHOLE) + b"\n\n", "cases.jsonl")
    assert [c.split for c in found] == ["analysis", "gate", "sealed"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (lines(*WHOLE, case("b", "sealed", "g")), "splits gate and sealed overlap"),
        (lines(*WHOLE, case("a", "gate", 7)), "two cases have the id 'a'"),
        (lines(*WHOLE[:2]), "no case is of split sealed"),
        (lines(*WHOLE) + b"\n{", "cases.jsonl:4"),
        (lines(*WHOLE) + b"\n[1]", "cases.jsonl:4"),
        (lines(*WHOLE, case("x", "exam")), "cases.jsonl:4, field split"),
        (lines(*WHOLE, {**case("x", "gate"), "answr": 1}), "answr"),
        (lines(*WHOLE, case("../x", "gate")), "field id"),
        *(
            (
                lines(*WHOLE) + b"\n\n" + lines({**case("x", split), "protected": True}),
                f"cases.jsonl:5, field protected: case x is of split {split}",
            )
            for split in ("analysis", "sealed", "canary")
        ),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "no JSON"),
        (lines(*WHOLE, case("x", "gate", float("nan"))), "cases.jsonl:4: NaN and infinity"),
        (lines(*WHOLE) + b'\n{"id": "x", "split": "gate", "input": 1e999}', "NaN and infinity"),
        (lines(*WHOLE, case("x", "gate", "\ud83d")), "cases.jsonl:4: half a character"),
        (lines(*WHOLE, case("x", "gate", {"\ud83d": 1})), "half a character"),
    ],
)
def test_bad_cases_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_cases(raw, "cases.jsonl")
    assert said in caught.value.message


@given(st.binary(max_size=200))
def test_wild_cases_are_read_or_refused(raw: bytes) -> None:
    try:
        found = read_cases(raw, "cases.jsonl")
    except InputError:
        return
    assert {c.split for c in found} >= {"analysis", "gate", "sealed"}


def test_what_judges_may_not_be_edited() -> None:
    files = ("pack.py", "scorer.py", "cases.jsonl", "notes/a.md")
    spec = read_spec(SPEC)
    assert editable_files(spec, files) == ("pack.py",)
    for covers in ("scorer.py", "**", "cases.jsonl", "."):
        with pytest.raises(InputError, match="judges the candidates"):
            editable_files(spec.model_copy(update={"editable": (covers,)}), files)
    with pytest.raises(InputError, match="No file"):
        editable_files(spec.model_copy(update={"protected": ("pack.py",)}), files)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({f"p/{n}.py": b"" for n in range(MOST_FILES + 1)}, f"a program has {MOST_FILES} at most"),
        ({"p/a.py": b"", "p/big.csv": b"1\n" * MOST_PROGRAM_BYTES}, "more than 2 MiB, up to p/big"),
        ({"p/a.npy": b"\x93NUMPY"}, "p/a.npy is editable but not UTF-8 text"),
    ],
)
def test_what_no_round_could_be_allowed_is_said_before_any(
    files: dict[str, bytes], said: str
) -> None:
    spec = read_spec(SPEC.replace("editable: [pack.py]", "editable: [p]"))
    with pytest.raises(InputError, match=re.escape(said)):
        read_program(spec, tuple(files), files.__getitem__)


def test_a_spec_that_is_no_spec_is_told_of_its_own_fields() -> None:
    for text in ("no front matter", "---\na: [\n---\n", SPEC.replace("low: 0", "low: .inf")):
        with pytest.raises(TicketError) as caught:
            read_spec(text)
        assert caught.value.remedy == "`labcrew evolution fields` lists every field."


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../../b", "-rf", "a\u202eb", "a//b", "./a"])
def test_a_path_that_is_not_plain_can_never_be_edited(path: str) -> None:
    spec = read_spec(SPEC.replace("editable: [pack.py]", 'editable: ["**"]'))
    assert not may_edit(spec, path)
