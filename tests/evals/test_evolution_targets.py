"""The targets: repositories that come out the same, specs that are read, components that fit."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.evolution.components import applied, read_component
from agents.evolution.library import built_in
from evals.evolution import make as making
from evals.evolution.make import TARGETS, make, names
from evals.evolution.targets.designer.cases import cases as landscape_cases
from evals.evolution.targets.designer.landscapes import KINDS, landscape, truth
from evals.evolution.targets.kmodule.hidden import BEGINNING, OPTIONS, cases, hidden
from evals.evolution.targets.ranking.cases import cases as ranking_cases
from labcrew.domain.evolution import CodeFile
from labcrew.errors import InputError
from labcrew.evolution_file import editable_files, private_paths, read_cases, read_spec
from labcrew.path_patterns import matches

OWN = ("kmodule", "packing")
EDITED = {
    "packing": TARGETS / "packing" / "program" / "pack.py",
    "designer": making.CHECKOUT / "agents" / "trial_design.py",
    "ranking": making.CHECKOUT / "agents" / "reading" / "ranking.py",
}


def head(repository: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def tracked(repository: Path) -> list[str]:
    done = subprocess.run(
        ["git", "ls-files"], cwd=repository, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", names())
def test_a_spec_can_be_read_and_its_program_is_apart_from_its_judge(
    name: str, tmp_path: Path
) -> None:
    spec = read_spec(make(name, tmp_path))
    repository = (tmp_path / spec.repository).resolve()
    files = tracked(repository)
    assert editable_files(spec, files)
    assert matches(spec.cases, private_paths(spec))
    assert [path for path in files if matches(path, spec.scorer.private)]
    found = read_cases((repository / spec.cases).read_bytes(), spec.cases)
    assert {case.split for case in found} == {"analysis", "gate", "sealed", "canary"}


@pytest.mark.parametrize("name", OWN)
def test_the_same_target_is_the_same_commit(name: str, tmp_path: Path) -> None:
    ids = {head(make(name, tmp_path / str(one)).parent / "repository") for one in range(2)}
    assert len(ids) == 1
    with pytest.raises(InputError, match="exists already"):
        make(name, tmp_path / "0")


def test_no_target_by_another_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no target"):
        make("nothing", tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_seed_hides_other_modules(tmp_path: Path) -> None:
    drawn = {tuple(hidden(seed).values()) for seed in range(200)}
    assert len(drawn) > 100
    for place, options in OPTIONS.items():
        counts = Counter(hidden(seed)[place] for seed in range(500))
        assert set(counts) == set(options)
        assert min(counts.values()) > 50
    make("kmodule", tmp_path, seed=7)
    assert (tmp_path / "repository" / "cases.jsonl").read_text() == cases(7)


def test_the_pipeline_lists_the_options_that_may_be_hidden() -> None:
    text = (TARGETS / "kmodule" / "program" / "pipeline.py").read_text()
    for place, options in OPTIONS.items():
        assert f'{place.upper()} = "{BEGINNING[place]}"  # one of: {", ".join(options)}' in text


@pytest.mark.parametrize("name", sorted(EDITED))
def test_every_component_is_read_and_has_a_place(name: str) -> None:
    text = EDITED[name].read_text()
    texts = {"": text}
    for file in sorted((TARGETS / name / "components").iterdir()):
        component = read_component(CodeFile(path=file.name, text=file.read_text()))
        assert component is not None, file.name
        # What needs another component's function finds it once that one is in.
        made = [applied(component, there) for there in texts.values()]
        assert any(made), component.name
        texts |= {component.name: next(m for m in made if m is not None)}


def test_the_ranking_cases_are_those_of_the_topics_and_share_no_sentence() -> None:
    file = TARGETS / "ranking" / "cases.jsonl"
    assert file.read_text() == ranking_cases()
    found: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    by_split: dict[str, set[str]] = {}
    asked = Counter[str]()
    for case in found:
        sentences = case["input"]["sentences"]
        assert len(set(sentences)) == len(sentences) == case["answer"]["count"]
        by_split.setdefault(case["split"], set()).update(sentences)
        asked[case["split"]] += len(case["input"]["questions"])
    for one, other in (("analysis", "gate"), ("analysis", "sealed"), ("gate", "sealed")):
        assert not by_split[one] & by_split[other]
    assert asked["analysis"] + asked["gate"] + asked["sealed"] >= 60


def test_the_landscapes_are_those_of_their_seeds_and_no_two_alike() -> None:
    file = TARGETS / "designer" / "cases.jsonl"
    assert file.read_text() == landscape_cases()
    found = [json.loads(line) for line in file.read_text().splitlines()]
    assert len({json.dumps(case["input"]["landscape"]) for case in found}) == len(found)


@given(st.sampled_from(KINDS), st.integers(0, 99), st.data())
def test_no_settings_are_worth_more_than_one(kind: str, seed: int, data: st.DataObject) -> None:
    land = landscape(kind, seed)
    values: dict[str, float] = {"choice": data.draw(st.sampled_from((0, 1, 2)))}
    best: dict[str, float] = {"choice": land["lost"].index(0.0)}
    for k, number in enumerate(land["numbers"]):
        low, high = number["low"], number["high"]
        values[f"x{k}"] = data.draw(st.floats(low, high))
        share = number["best"]
        best[f"x{k}"] = low * (high / low) ** share if number["log"] else low + share * (high - low)
    assert 0 <= truth(land, values) <= 1
    # The best lies where it was put, and there alone everything is right.
    assert truth(land, best) == pytest.approx(1)


def run_program(name: str, folder: Path, value: Any) -> Any:
    (folder / "input").write_text(json.dumps(value))
    program = TARGETS / name / "program" / "main.py"
    subprocess.run(
        [sys.executable, str(program), str(folder / "input"), str(folder / "output"), "3"],
        check=True,
        timeout=60,
    )
    return json.loads((folder / "output").read_text())


def test_the_programs_run_as_they_begin(tmp_path: Path) -> None:
    circles = run_program("packing", tmp_path, {"seconds": 1, "repeat": 1})["circles"]
    assert len(circles) == 26
    assert 0.5 < sum(r for _, _, r in circles) < 1.3
    assert run_program("kmodule", tmp_path, {"repeat": 1}) == BEGINNING


@pytest.mark.parametrize("target", [*OWN, *sorted(set(EDITED) - set(OWN))])
def test_a_program_that_asks_no_model_has_no_place_for_what_a_scaffold_needs(target: str) -> None:
    """A function of the same name as one of a scaffold's is another function."""
    files = sorted((TARGETS / target / "program").rglob("*.py"))
    files += [EDITED[target]] if target in EDITED else []
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert [c.name for c in built_in() if applied(c, text) is not None] == []
