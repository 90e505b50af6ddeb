"""What is refused before it runs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evolution.programs import Known
from agents.evolution.proposing import Tried
from agents.evolution.screening import MOST_FILE_BYTES, screen
from labcrew.domain.evolution import CodeFile, code_hash
from tests.agents.evolution.situations import a_proposal, a_round, files, situation, spec

TEXT = "def f(x):\n    return x + 1\n"


def refused(changes: dict[str, str], **others: object) -> str:
    now = situation(files(TEXT), **others)
    texts = {"program/main.py": TEXT} | changes
    program = tuple(CodeFile(path=path, text=text) for path, text in texts.items())
    return screen(now.spec, now, a_proposal(files=program))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "changes nothing"),
        ({"program/main.py": TEXT + "# better\n"}, "comments"),
        ({"program/main.py": 'def f(x):\n    """Adds."""\n    return (x + 1)\n'}, "comments"),
        ({"scorer.py": "print(1)\n"}, "scorer.py may not be edited"),
        ({"cases.jsonl": "{}"}, "may not be edited"),
        ({"tests/test_a.py": "x = 1\n"}, "may not be edited"),
        ({"../outside.py": "x = 1\n"}, "no plain path"),
        ({"/etc/passwd": "x"}, "no plain path"),
        ({"program/./a.py": "x = 1\n"}, "no plain path"),
        ({"program/a\n.py": "x = 1\n"}, "no plain path"),
        ({"program/.git/config": "x"}, "may not be edited"),
        ({"program/sitecustomize.py": "x = 1\n"}, "start-up"),
        ({"program/usercustomize.py": "x = 1\n"}, "start-up"),
        ({"program/conftest.py": "x = 1\n"}, "start-up"),
        ({"program/a.pth": "import os"}, "start-up"),
        ({"program/json.py": "x = 1\n"}, "hide Python's own module json"),
        ({"program/json/__init__.py": "x = 1\n"}, "hide Python's own module json"),
        ({"program/scorer.py": "x = 1\n"}, "of the scorer"),
        ({"program/main.py": "def f(x)\n    return\n"}, "does not compile: line 1"),
        ({"program/main.py": "x = 1\0"}, "binary"),
        ({"program/main.py": "x = '\ud800'\n"}, "no UTF-8"),
        ({"program/main.py": "x = '\u202e'\n"}, "U+202E"),
        ({"program/main.py": "x = " + "(" * 500 + "1" + ")" * 500}, "nested"),
        ({"program/main.py": "x = " + "-" * 50_000 + "1"}, "bytes"),
        ({"program/main.py": "x = " + "-" * 5_000 + "1"}, "more than 200 parts"),
        ({"program/main.py": "if a:\n  b\n" + "elif a:\n  b\n" * 500}, "branches"),
        ({"program/main.py": "#" * (MOST_FILE_BYTES + 1)}, "bytes"),
    ],
)
def test_a_bad_change_is_refused_with_its_reason(changes: dict[str, str], reason: str) -> None:
    assert reason in refused(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"program/main.py": "def f(x):\n    return x + 2\n"},
        {"program/more.py": "VALUE = 3\n"},
        {"settings.yaml": "a: 1\n"},
        {"program/main.py": 'X = "ä ✓"\n\n' + TEXT},
    ],
)
def test_an_honest_change_may_run(changes: dict[str, str]) -> None:
    assert refused(changes) == ""


def test_a_large_file_is_in_nobodys_way_until_it_is_touched() -> None:
    data = CodeFile(path="program/data.csv", text="1\n" * MOST_FILE_BYTES)
    now = situation((*files(TEXT), data))
    change = (*files("def f(x):\n    return x + 2\n"), data)
    assert screen(now.spec, now, a_proposal(files=change)) == ""
    larger = (*files(TEXT), data.model_copy(update={"text": data.text + "2\n"}))
    assert "program/data.csv has" in screen(now.spec, now, a_proposal(files=larger))


def test_a_protected_path_stays() -> None:
    guarded = spec(protected=("program/main.py",))
    reason = refused({"program/main.py": "x = 2\n"}, spec=guarded)
    assert "may not be edited" in reason


def test_a_file_left_out_is_told() -> None:
    now = situation(files(TEXT))
    empty = a_proposal(files=())
    assert "program/main.py is missing" in screen(now.spec, now, empty)


def test_a_repeat_names_the_round() -> None:
    earlier = files("def f(x):\n    return x + 9\n")
    tried = Tried(code=code_hash(earlier), files=earlier, score=1.5, seconds=1, kept=False, round=7)
    assert "round 7: 1.5" in refused({"program/main.py": earlier[0].text}, tried=(tried,))
    spaced = "def f(x):  # again\n    return x+9\n"
    assert "program of round 7" in refused({"program/main.py": spaced}, tried=(tried,))


def test_a_program_that_was_dropped_does_not_come_again_with_a_comment() -> None:
    worse = a_proposal("def f(x):\n    return x - 1\n")
    spaced = {"program/main.py": "def f(x):  # again\n    return x-1\n"}
    dropped, refused_ = (a_round(3, worse, verdict=verdict) for verdict in ("dropped", "refused"))
    assert "it is the program of round 3" in refused(spaced, rounds=(dropped,))
    assert refused(spaced, rounds=(refused_,)) == "", "it never ran"
    for before, known in ((dropped, True), (refused_, False)):
        again = files(spaced["program/main.py"])
        assert (again in Known(situation(files(TEXT), rounds=(before,)))) == known


def test_what_was_refused_before_is_refused_again() -> None:
    bad = a_proposal("def f(x):\n    return x - 1\n")
    before = a_round(3, bad, verdict="refused")
    assert "proposed in round 3: refused" in refused(
        {"program/main.py": bad.files[0].text}, rounds=(before,)
    )


@settings(max_examples=300)
@given(
    path=st.one_of(st.text(max_size=40), st.sampled_from(["program/main.py", "program/a.py"])),
    text=st.one_of(
        st.text(max_size=300),
        st.text(alphabet="()[]{}:\n \t'\"\\fb#=,lambdenotifr01.+-*", max_size=400),
        st.binary(max_size=100).map(lambda b: b.decode("utf-8", "surrogateescape")),
    ),
)
def test_no_text_crashes_the_screen(path: str, text: str) -> None:
    now = situation(files(TEXT))
    program = (*files(TEXT), CodeFile.model_construct(path=path, text=text))
    proposal = a_proposal().model_copy(update={"files": program})
    assert isinstance(screen(now.spec, now, proposal), str)
