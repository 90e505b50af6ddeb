"""Loops beside their controls: one budget, one chance, results that say what the ledger says."""

from pathlib import Path
from typing import get_args

import pytest

from agents.evolution.proposers import proposers
from evals.evolution.results import Change, Result, append, read, result_of, results_in
from evals.evolution.running import ARMS, ROUNDS, chosen, is_over, prepared, run_all, secret
from labcrew.domain.evolution_spec import Control
from labcrew.errors import InputError
from tests.graphs.evolution.lab import lab_at, make_spec


def test_every_control_is_an_arm() -> None:
    assert set(ARMS) == {control or "loop" for control in get_args(Control)}


@pytest.mark.parametrize("target", sorted(ROUNDS))
def test_every_arm_has_the_same_rounds_and_the_same_seeds(target: str, tmp_path: Path) -> None:
    specs = [prepared(target, tmp_path / arm, 3, ROUNDS[target]) for arm in ARMS]
    assert all(spec == specs[0] for spec in specs)
    assert specs[0].budget.rounds == ROUNDS[target]
    assert specs[0].repository == "repository"
    assert (tmp_path / "loop" / "repository" / ".git").is_dir()
    again = prepared(target, tmp_path / "loop", 3, ROUNDS[target])
    assert again == specs[0]
    assert secret(target, 3) == secret(target, 3) != secret(target, 4)


def test_controls_in_the_machine_have_the_rounds_and_seeds_of_the_loop_and_tell_what_they_spend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = lab_at(tmp_path, monkeypatch)
    spec = make_spec(lab.target, budget={"rounds": 5, "parallel": 1})
    found, sealed = [], set()
    for arm in ARMS:
        before = len(lab.runs.ran)
        started = lab.start(spec, "" if arm == "loop" else arm)  # type: ignore[arg-type]
        ended = lab.advance(started.id, proposers(("parameters",)))
        found.append(result_of(lab.bench.ledger, ended, "toy", 0))
        assert found[-1].runs == len(lab.runs.ran) - before
        of_split = [run for run in lab.runs.ran[before:] if run[1].startswith("sealed")]
        sealed.add(frozenset((case, seed) for _, case, seed in of_split))
    assert [result.arm for result in found] == list(ARMS)
    for result in found:
        assert result.status == "done", result.outcome
        assert len(result.changes) == result.rounds_allowed == 5
        assert result.sealed is not None
        assert result.final_scores
        assert result.sealed_final == pytest.approx(
            sum(result.final_scores) / len(result.final_scores)
        )
        kept = [change for change in result.changes if change.verdict == "kept"]
        assert [change.title for change in kept] == list(result.kept)
        assert result.line().startswith(f"toy {result.arm} 0: 5 rounds")
    assert len({result.baseline for result in found}) == 1
    assert len(sealed) == 1
    assert len({result.runs for result in found}) > 1, "equal rounds are no equal spending"
    assert is_over(ended)
    assert is_over(ended.model_copy(update={"status": "waiting"})), "no gain is a result as well"
    assert not is_over(ended.model_copy(update={"status": "waiting", "sealed": None}))
    assert not is_over(ended.model_copy(update={"status": "paused"}))


def a_result(**fields: object) -> Result:
    made: dict[str, object] = {
        "target": "kmodule", "arm": "loop", "seed": 0, "rounds_allowed": 9, "status": "done",
        "outcome": "done", "baseline": 0.25, "runs": 4, "run_seconds": 2.0, "seconds": 3.0,
        "changes": (
            Change(number=1, proposer="p", title="t", verdict="kept", score=0.5),
            Change(number=2, proposer="p", title="u", verdict="reverted", score=0.25),
        ),
    }  # fmt: skip
    return Result.model_validate(made | fields)


def test_what_is_there_is_not_run_again(tmp_path: Path) -> None:
    for seed in range(2):
        append_to(tmp_path, a_result(seed=seed))
    said: list[str] = []
    # No engine is asked for, and no home is made: there is nothing to do.
    run_all(
        ["kmodule"], ["loop"], tmp_path, tmp_path / "place", seeds=range(2), rounds=9,
        say=said.append,
    )  # fmt: skip
    assert said == ["kmodule: all results are there"]
    assert not (tmp_path / "place").exists()
    assert [r.seed for r in results_in(tmp_path, "kmodule")] == [0, 1]


def append_to(folder: Path, result: Result) -> None:
    (folder / result.target).mkdir(exist_ok=True)
    append(folder / result.target / f"{result.arm}.jsonl", result)


def test_a_line_that_was_cut_off_is_as_if_it_never_was(tmp_path: Path) -> None:
    append_to(tmp_path, a_result())
    file = tmp_path / "kmodule" / "loop.jsonl"
    file.write_text(file.read_text() + file.read_text()[:50])
    assert len(read(file, Result)) == 1
    append(file, a_result(seed=1))
    assert [r.seed for r in read(file, Result)] == [0, 1]


def test_only_what_there_is_can_be_chosen() -> None:
    assert chosen([], []) == (list(ROUNDS), list(ARMS))
    assert chosen(["packing"], ["loop"]) == (["packing"], ["loop"])
    with pytest.raises(InputError, match="no target"):
        chosen(["nothing"], [])
    with pytest.raises(InputError, match="no control"):
        chosen([], ["nothing"])
