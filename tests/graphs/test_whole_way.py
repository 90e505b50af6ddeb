"""Tickets from assignment to their end, on the real engine, real git and real memory."""

from pathlib import Path
from typing import Any

import pytest

from tests.graphs.tiny import DATA, REPORTED, Lab, run

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {"seeds": [0], "budget": {"trials": 2}}


def changed_paths(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_everything_with_a_holdout_merges_by_compare_and_swap(lab: Lab) -> None:
    assigned = lab.assign(data=DATA)
    before, main = lab.user.bytes(), lab.user.git("rev-parse", "main")
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    waiting = run(lab, assigned.id, yes=False)
    assert waiting.status == "waiting", waiting.outcome
    # Up to the merge the user's repository has one new branch and the objects it needs, no more.
    ours = ".git/refs/heads/labcrew", ".git/logs/refs/heads/labcrew", ".git/objects/"
    assert all(p.startswith(ours) for p in changed_paths(before, lab.user.bytes()))
    assert lab.user.git("branch", "--format=%(refname:short)").split() == [
        "labcrew/T-001",
        "main",
        "work",
    ]
    request = lab.ledger.merge_requests.get(f"{assigned.id}-MR0")
    assert request.verdict == "improves"
    assert {score.split for item in request.evidence for score in item.scores} == {
        "validation",
        "holdout",
    }
    assert request.smoke is not None
    assert request.smoke.passed
    assert "exactly as in the trial" in request.smoke.detail
    assert lab.user.git("rev-parse", "main") == main
    lab.office.decide(assigned.id, "accept", "ada")
    done = run(lab, assigned.id, yes=False)
    assert done.status == "done"
    assert done.outcome.startswith("merged: main holds ")
    assert lab.user.git("rev-parse", "main") == request.commit
    assert lab.user.git("rev-parse", "labcrew/T-001") == request.commit
    assert lab.ledger.merge_requests.get(request.id).status == "merged"
    assert lab.ledger.verify() == []
    assert lab.containers() == set()


def test_a_branch_that_is_checked_out_is_left_to_the_person(lab: Lab) -> None:
    lab.user.git("switch", "-q", "main")
    main = lab.user.head()
    assigned = lab.assign(**_SHORT)
    done = run(lab, assigned.id)
    request = lab.ledger.merge_requests.get(f"{assigned.id}-MR0")
    assert done.status == "done"
    assert lab.user.head() == main
    assert f"merge --ff-only {request.commit}" in done.outcome
    command = done.outcome.partition("run: git -C ")[2].split()
    lab.user.git(*command[1:])
    assert lab.user.head() == request.commit
    assert "default=0.2" not in (lab.user.path / "train.py").read_text()


def test_settings_in_a_file_keep_its_comments(lab: Lab) -> None:
    assigned = lab.assign(
        **_SHORT,
        settings={"style": "file", "file": "config.yaml"},
        search_space={"model.x": {"type": "float", "low": 0.3, "high": 1}},
        run={"command": "python3 train.py --config config.yaml --seed {seed} --outputs {outputs}"},
    )
    done = run(lab, assigned.id)
    assert done.outcome.startswith("merged"), done.outcome
    best = lab.ledger.trials.of(assigned.id)[-1]
    text = lab.user.git("show", "main:config.yaml")
    spelt = f"x: {best.values['model.x']}  # not tuned"
    assert text.rstrip() == f"# how to train\nmodel:\n  {spelt}\n  name: tiny"
    assert best.score is not None
    assert best.score.value == pytest.approx(1 - (float(best.values["model.x"]) - 0.7) ** 2)


def test_settings_in_the_environment(lab: Lab) -> None:
    assigned = lab.assign(
        **_SHORT,
        settings={"style": "environment", "prefix": "tiny_"},
        search_space={"x": {"type": "float", "low": 0.3, "high": 1}},
        run={"command": "python3 train.py --seed {seed} --outputs {outputs}"},
    )
    done = run(lab, assigned.id)
    assert done.status == "done", done.outcome
    best = lab.ledger.trials.of(assigned.id)[-1]
    assert best.score is not None
    assert best.score.value == pytest.approx(1 - (float(best.values["x"]) - 0.7) ** 2)
    # Nothing in the repository holds the default, so the record of it is all that changes.
    changed = lab.user.git("diff", "--name-only", f"{assigned.base_commit}..main").split()
    assert {path.partition("/")[0] for path in changed} == {"experiments"}


def test_data_outside_the_repository_is_read_and_never_changed(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    items = []
    for item in DATA:
        path = outside / Path(str(item["path"])).name
        path.write_text((lab.user.path / str(item["path"])).read_text())
        items.append(item | {"path": str(path)})
    lab.user.git("rm", "-q", "-r", "data")
    lab.user.git("branch", "-f", "main", lab.user.commit("no data here"))
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    command = (
        "mkdir -p /tmp/d && cp /data/*/*.csv /tmp/d/ && python3 train.py --data /tmp/d {settings}"
        " --seed {seed} --outputs {outputs}"
    )
    assigned = lab.assign(**_SHORT, data=items, run={"command": command})
    done = run(lab, assigned.id)
    assert done.status == "done", done.outcome
    assert {card.rows for card in lab.ledger.datasets.of(assigned.id)} == {12}
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


def test_what_a_run_leaves_is_taken_as_regular_files_only(lab: Lab) -> None:
    assigned = lab.assign(variant="links", seeds=[0], budget={"trials": 2})
    done = run(lab, assigned.id)
    assert done.status == "done", done.outcome
    kept = lab.office.home.outputs(assigned.id, f"{assigned.id}-000")
    assert [path.name for path in kept.rglob("*")] == ["predictions.json"]
