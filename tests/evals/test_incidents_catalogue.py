"""The classes of faults: whole, and the same for the same seed."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.incidents.clean import SORTS, clean_runs
from evals.incidents.faults import FAULTS, PROGRAMS, all_faults, fault, injection
from labcrew.domain.monitoring import ACTIONS, IncidentKind

FOLDER = Path(__file__).parents[2] / "evals/incidents"
HOOKS = ast.parse((FOLDER / "programs/hooks.py").read_text())


def _methods(tree: ast.Module) -> set[str]:
    return {
        inner.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_")
    }


def test_there_are_enough_classes_and_each_has_one_file() -> None:
    files = {file.stem for file in (FOLDER / "faults").glob("*.py")} - {"__init__"}
    assert files == set(FAULTS)
    assert len(set(FAULTS)) == len(FAULTS) >= 16


@pytest.mark.parametrize("name", FAULTS)
def test_a_class_of_faults_is_judged_by_what_there_is(name: str) -> None:
    found = fault(name)
    assert found.expected
    assert found.expected <= set(get_args(IncidentKind))
    assert found.right <= set(ACTIONS)
    assert not found.right & found.destructive
    assert set(found.programs) <= set(PROGRAMS)
    assert 0 < found.magnitudes[0] < found.magnitudes[1]
    assert 0 <= found.moments[0] <= found.moments[1] < 1
    assert found.does.endswith(".") or ":" in found.does


@pytest.mark.parametrize("name", FAULTS)
def test_a_class_of_faults_acts_where_the_programs_ask_and_knows_nothing_of_labcrew(
    name: str,
) -> None:
    tree = ast.parse(fault(name).file.read_text())
    assert _methods(tree) <= _methods(HOOKS)
    assert _methods(tree) or name == "overfitting"
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"numpy", "os", "time", "typing", "pathlib"}


@given(st.sampled_from(FAULTS), st.integers(0, 100_000))
def test_a_seed_draws_the_same_fault_within_its_bounds(name: str, seed: int) -> None:
    of = fault(name)
    drawn = injection(of, seed)
    assert drawn == injection(of, seed)
    assert drawn.program in of.programs
    steps = PROGRAMS[drawn.program][1]
    assert int(of.moments[0] * steps) <= drawn.moment <= int(of.moments[1] * steps)
    assert of.magnitudes[0] * 0.999 <= drawn.magnitude <= of.magnitudes[1] * 1.001
    assert drawn.half == ("held_out" if seed % 2 else "tuned")


def test_seeds_differ_in_what_they_draw() -> None:
    for of in all_faults():
        drawn = [injection(of, seed) for seed in range(12)]
        assert len({one.magnitude for one in drawn}) == 12


def test_clean_runs_are_many_and_varied() -> None:
    runs = clean_runs(200)
    assert len({run.name for run in runs}) == 200
    assert {run.sort for run in runs} == {sort for sort, *_ in SORTS}
    assert {run.program for run in runs} == set(PROGRAMS)
    assert clean_runs(50) == runs[:50]


def test_nothing_that_a_run_shows_names_its_fault() -> None:
    for file in (FOLDER / "programs").glob("*.py"):
        words = set(re.findall(r"[a-z_]+", file.read_text().lower()))
        assert not words & set(FAULTS), file.name
