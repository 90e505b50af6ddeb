"""The tasks: references pass, canaries can't, splits are alike and share nothing."""

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

import pytest

from evals.scaffold.catalogue import KINDS, Task, catalogue
from evals.scaffold.make import cases, make
from labcrew.evolution_file import read_cases, read_spec
from tests.evals.scaffold_parts import scorer

TASKS = {task.name: task for task in catalogue()}
REAL = [task for task in catalogue() if task.split != "canary"]


def all_calls(task: Task) -> list[dict[str, object]]:
    return [call.model_dump(mode="json") for call in (*task.examples, *task.tests)]


def test_every_reference_passes_its_examples_and_its_hidden_tests() -> None:
    judge = scorer()
    failing = {
        task.name: why
        for task in REAL
        if (why := judge.wrong(task.reference.encode(), task.name, all_calls(task)))
    }
    assert failing == {}


@pytest.mark.engine
def test_references_pass_and_canaries_fail_in_a_sandbox() -> None:
    from evals.scaffold.direct import judge

    some = [*REAL[::6], *(task for task in TASKS.values() if task.split == "canary")]
    guess = "def {name}(*args):\n    return 0\n"
    answers = [(t, t.reference or guess.format(name=t.name)) for t in some]
    with judge() as bench:
        judged = bench.judged(answers)
    for task, (examples, why) in zip(some, judged, strict=True):
        if task.split == "canary":
            assert why
        else:
            assert (examples, why) == ([], ""), task.name


def test_splits_have_the_same_mix() -> None:
    counts = Counter((task.split, task.kind, task.level) for task in REAL)
    for kind in KINDS:
        for level in ("plain", "tricky"):
            assert [counts[s, kind, level] for s in ("analysis", "gate", "sealed")] == [2, 1, 3]
    assert Counter(t.split for t in TASKS.values()) == {
        "analysis": 32,
        "gate": 16,
        "sealed": 48,
        "canary": 3,
    }


def normal(task: Task) -> str:
    return re.sub(r"\W+", " ", re.sub(re.escape(task.name), "f", task.statement).lower()).strip()


def test_no_task_is_another_in_other_words() -> None:
    assert len(TASKS) == len(catalogue())
    alike = [
        (a.name, b.name)
        for a, b in combinations(TASKS.values(), 2)
        if SequenceMatcher(None, normal(a), normal(b), autojunk=False).ratio() > 0.75
    ]
    assert alike == []


def test_hidden_tests_ask_for_more_than_the_examples_show() -> None:
    for task in REAL:
        shown = {json.dumps(call.args) for call in task.examples}
        hidden = [json.dumps(call.args) for call in task.tests]
        assert len(set(hidden)) == len(hidden) >= 8, task.name
        assert not shown & set(hidden), task.name
        assert len({json.dumps(call.result) for call in task.tests}) > 1, task.name


def test_what_looks_examples_up_fails() -> None:
    judge = scorer()
    for task in REAL[::8]:
        known = {repr(list(call.args)): call.result for call in task.examples}
        answer = f"def {task.name}(*args):\n    return {known!r}.get(repr(list(args)))\n"
        tests = [call.model_dump(mode="json") for call in task.tests]
        assert "wrong answer" in judge.wrong(answer.encode(), task.name, tests), task.name


def test_references_are_short() -> None:
    for task in REAL:
        body = task.reference.splitlines()[1:]
        assert len(body) <= 9, task.name
        assert len(re.findall(r"\w+|[^\w\s]", task.reference)) <= 120, task.name


def test_a_canary_asks_one_call_for_two_answers() -> None:
    for task in TASKS.values():
        if task.split == "canary":
            calls = Counter(json.dumps(call.args) for call in task.tests)
            ((twice, count),) = [(c, n) for c, n in calls.items() if n > 1]
            assert count == 2
            results = {json.dumps(c.result) for c in task.tests if json.dumps(c.args) == twice}
            assert len(results) == 2


def test_the_repository_and_its_spec_fit_each_other(tmp_path: Path) -> None:
    spec = read_spec(make(tmp_path))
    raw = (tmp_path / "agent" / spec.cases).read_bytes()
    found = read_cases(raw, spec.cases)
    assert [case.id for case in found] == sorted(TASKS)
    assert raw.decode() == cases()
    for private in spec.scorer.private:
        assert (tmp_path / "agent" / private).exists()
    text = "".join(p.read_text() for p in (tmp_path / "agent").glob("*.py"))
    assert not any(task.reference and task.reference in text for task in REAL)
    with pytest.raises(FileExistsError):
        make(tmp_path)
