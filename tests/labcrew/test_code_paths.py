"""Which paths may be read and edited by who writes code: nothing that judges, nothing private."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labcrew.code_paths import editing_trouble, reading_trouble
from labcrew.patterns import matches
from tests.tickets import make_assigned

TICKET = make_assigned(
    kind="fix",
    editable=["src/**", "train.py", "tests/*.py", "setup.cfg"],
    tests={
        "fail_to_pass": ["tests/test_brought.py", "tests/test_old.py::test_it"],
        "pass_to_pass": ["train.py"],
        "files": {"tests/test_brought.py": ""},
    },
    evaluator={
        "command": "python src/score.py {outputs} {split}",
        "private": ["src/judge", "answers"],
    },
    data=[{"path": "src/hidden.csv", "split": "holdout", "private": True}],
).ticket
PARTS = st.sampled_from(
    ["src", "judge", "answers", "..", ".", "", ".git", ".GIT", "conftest.py", "train.py", "tests",
     "a.py", "hidden.csv", "x.pth", "\u202e", "-x", "HEAD", "pytest.py", "a b"]
)  # fmt: skip


@example("src/x.pth/src")
@given(st.lists(PARTS, max_size=4).map("/".join) | st.text(max_size=30))
def test_what_may_be_edited_may_be_read_and_is_named(path: str) -> None:
    if editing_trouble(TICKET, path) is not None:
        return
    assert reading_trouble(TICKET, path) is None
    assert matches(path, TICKET.editable)
    parts = path.split("/")
    assert not {"..", ".", "", ".git", "conftest.py", "x.pth"} & set(parts)
    assert not path.startswith(("src/judge", "src/hidden.csv", "answers", "/", "-"))
    assert path not in ("tests/test_brought.py", "tests/test_old.py")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("src/judge/a.py", "private to the evaluator"),
        ("src/hidden.csv", "private to the evaluator"),
        ("src/../train.py", "inside the repository"),
        ("./train.py", "not written plainly"),
        ("src/.git/config", "belongs to git"),
        ("src/.gitattributes", "means something to git"),
        ("other.py", "not among the editable paths"),
        ("tests/test_brought.py", "the ticket brings"),
        ("tests/test_old.py", "judges the change"),
        ("src/conftest.py", "steers how tests are run"),
        ("src/score.py", "makes the score"),
        ("src/pyproject.toml", "steers how tests are run"),
    ],
)
def test_why_a_path_is_not_edited(path: str, said: str) -> None:
    trouble = editing_trouble(TICKET, path)
    assert trouble is not None
    assert said in trouble


@pytest.mark.parametrize(
    "path", ["src/a.py", "train.py", "tests/test_new.py", "setup.cfg", "src/head.py"]
)
def test_what_is_named_one_by_one_or_plain_code_is_edited(path: str) -> None:
    assert editing_trouble(TICKET, path) is None
