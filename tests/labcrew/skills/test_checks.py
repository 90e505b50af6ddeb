"""Each rule's check: kept, broken, not applicable, and unchecked where it can't tell."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from labcrew.domain.budget import Budget
from labcrew.domain.skill_rules import Rule
from labcrew.domain.skills import FileChange, Outcome, Work
from labcrew.skills.checks import added_lines, checked

RULE: TypeAdapter[Any] = TypeAdapter(Rule)


def changed(path: str, before: str | None, after: str | None) -> Work:
    return Work(files=(FileChange(path=path, before=before, after=after),))


def outcome(rule: dict[str, Any], work: Work) -> Outcome:
    return checked(RULE.validate_python(rule), work)[0]


NO_PRINT = {"type": "forbid_text", "pattern": r"\bprint\(", "paths": ["src/**"]}
LICENCE = {"type": "require_text", "pattern": "^# Licence"}
SHORT = {"type": "max_file_lines", "lines": 3}
NO_DATA = {"type": "forbid_paths", "paths": ["data/**"]}
TESTED = {"type": "require_test_for_change"}
MESSAGE = {"type": "commit_message", "pattern": r"[A-Z].{0,70}"}
NO_PICKLE = {"type": "forbid_import", "modules": ["pickle", "torch.distributed"]}
SEEDED = {"type": "require_seed_argument", "calls": ["train_test_split"]}
FIVE = {"type": "metric_over_seeds", "seeds": 5, "metric": "accuracy"}
CHEAP = {"type": "budget_at_most", "trials": 10, "model_usd": 5}


@pytest.mark.parametrize(
    ("rule", "work", "is_"),
    [
        (NO_PRINT, changed("src/a.py", "x = 1\n", "x = 1\nprint(x)\n"), "broken"),
        (NO_PRINT, changed("src/a.py", "print(x)\n", "print(x)\ny = 2\n"), "kept"),
        (NO_PRINT, changed("tools/a.py", "", "print(x)\n"), "not_applicable"),
        (NO_PRINT, changed("src/a.py", "print(x)\n", None), "not_applicable"),
        (NO_PRINT, Work(), "not_applicable"),
        (LICENCE, changed("a.py", None, "# Licence: MIT\n"), "kept"),
        (LICENCE, changed("a.py", None, ""), "broken"),
        (SHORT, changed("a.py", None, "1\n2\n3\n"), "kept"),
        (SHORT, changed("a.py", None, "1\n2\n3\n4\n"), "broken"),
        (SHORT, changed("a.py", "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n"), "kept"),
        (NO_DATA, changed("data/train.csv", "a", "b"), "broken"),
        (NO_DATA, changed("data/train.csv", "a", None), "broken"),
        (NO_DATA, changed("train.py", "a", "b"), "kept"),
        (TESTED, changed("train.py", "a\n", "b\n"), "broken"),
        (TESTED, changed("README.md", "a", "b"), "not_applicable"),
        (TESTED, changed("tests/test_a.py", "a", "b"), "not_applicable"),
        (MESSAGE, Work(message="Fix the split\n\nmore"), "kept"),
        (MESSAGE, Work(message="fix"), "broken"),
        (NO_PICKLE, changed("a.py", "", "import os, pickle as p\n"), "broken"),
        (NO_PICKLE, changed("a.py", "", "from torch import distributed\n"), "broken"),
        (NO_PICKLE, changed("a.py", "", "if x: from pickle import (\n    loads,\n)\n"), "broken"),
        (NO_PICKLE, changed("a.py", "", "import os; import \\\n  pickle\n"), "broken"),
        (NO_PICKLE, changed("a.py", "", "x = 1\rimport pickle\n"), "broken"),
        (NO_PICKLE, changed("a.py", "", "# a\x0cb\n'import pickle'\nimport pickles\n"), "kept"),
        (NO_PICKLE, changed("a.py", "import pickle\n", "import pickle\nx = 1\n"), "kept"),
        (NO_PICKLE, changed("a.py", "", "x = '''\n"), "unchecked"),
        (SEEDED, changed("a.py", "", "m.train_test_split(x, random_state=0)\n"), "kept"),
        (SEEDED, changed("a.py", "", "a = train_test_split(x, f(random_state=0))\n"), "broken"),
        (SEEDED, changed("a.py", "", "a = train_test_split(x, **kw)\n"), "unchecked"),
        (SEEDED, changed("a.py", "", "def train_test_split(x):\n    pass\n"), "not_applicable"),
        (
            SEEDED,
            changed("a.py", "train_test_split(\n  x,\n  random_state=0,\n)\n",
                    "train_test_split(\n  x,\n)\n"),
            "broken",
        ),
        (SEEDED, changed("a.py", "train_test_split(x)\n", "train_test_split(x)\ny\n"), "kept"),
        (FIVE, Work(metric="accuracy", seeds=5), "kept"),
        (FIVE, Work(metric="accuracy", seeds=4), "broken"),
        (FIVE, Work(metric="loss", seeds=1), "not_applicable"),
        (CHEAP, Work(budget=Budget(trials=10, model_usd=5)), "kept"),
        (CHEAP, Work(budget=Budget(trials=11, model_usd=5)), "broken"),
        (CHEAP, Work(budget=Budget(trials=1)), "broken"),
    ],
)  # fmt: skip
def test_each_rule(rule: dict[str, Any], work: Work, is_: Outcome) -> None:
    assert outcome(rule, work) == is_


def test_places_are_named_and_short() -> None:
    long = "print(" + "x" * 5000 + ")"
    work = changed("src/a.py", "a\n", f"a\nprint(1)\n{long}\n")
    said, where = checked(RULE.validate_python(NO_PRINT), work)
    assert said == "broken"
    assert where[0] == "src/a.py:2 print(1)"
    assert len(where[1]) <= 200


def test_a_test_that_only_lost_lines_is_no_test() -> None:
    code = FileChange(path="train.py", before="a\n", after="b\n")
    for before, after, is_ in (
        ("x\ny\n", "x\n", "broken"), ("x\n", None, "broken"), (None, "assert 1\n", "kept")
    ):  # fmt: skip
        test = FileChange(path="tests/test_a.py", before=before, after=after)
        assert outcome(TESTED, Work(files=(code, test))) == is_


@pytest.mark.timeout(300)  # to try it out would take years
def test_a_text_made_for_a_slow_pattern_is_unchecked() -> None:
    slow = {"type": "forbid_text", "pattern": r"(a|aa)+$"}
    assert outcome(slow, changed("a.py", "", "a" * 100 + "!\n")) == "unchecked"


@pytest.mark.parametrize("text", ["(" * 100_000, "-" * 100_000, "[" * 5000 + "]" * 5000, "\0"])
def test_hostile_python_stops_no_check(text: str) -> None:
    assert outcome(NO_PICKLE, changed("a.py", "", text)) in ("kept", "unchecked")
    assert outcome(SEEDED, changed("a.py", "", text)) in ("not_applicable", "unchecked")


RULES = (NO_PRINT, LICENCE, SHORT, NO_DATA, TESTED, MESSAGE, NO_PICKLE, SEEDED, FIVE, CHEAP)
ALL = [RULE.validate_python(rule) for rule in RULES]


@given(st.sampled_from(ALL), st.text(max_size=200), st.none() | st.text(max_size=200))
def test_no_text_breaks_a_check(rule: Any, before: str, after: str | None) -> None:
    said, where = checked(rule, changed("src/a.py", before, after))
    assert said in ("kept", "broken", "not_applicable", "unchecked")
    assert bool(where) == (said in ("broken", "unchecked"))


@given(st.text(max_size=100), st.text(max_size=100))
def test_added_lines_are_not_of_the_old_text(before: str, after: str) -> None:
    change = FileChange(path="a", before=before, after=after)
    added = [line for _, line in added_lines(change)]
    assert (
        len(added)
        >= len(set(after.replace("\r", "\n").split("\n")))
        - len(set(before.replace("\r", "\n").split("\n")))
        - 2
    )
    assert not list(added_lines(FileChange(path="a", before=after, after=after)))
