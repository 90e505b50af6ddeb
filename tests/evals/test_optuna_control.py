"""The control searches within the same runs, survives failures, and opens the holdout once."""

from pathlib import Path

import pytest

from evals.optuna_control import Runner, control, main, show
from labcrew.errors import InputError
from tests.run_lab import RunLab, run_lab

pytestmark = pytest.mark.engine


def data(lab: RunLab) -> list[dict[str, str]]:
    return [
        {"path": "data/train.csv", "split": "train"},
        {"path": "judge-says.txt", "split": "holdout"},
    ]


def test_equal_runs_and_one_look_at_the_holdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with run_lab(tmp_path) as lab:
        space = {
            "lr": {"type": "float", "low": 0, "high": 1},
            "mode": {"type": "choice", "choices": ["well", "fail"]},
        }
        assigned = lab.assigned(search_space=space, data=data(lab))
        found = control(Runner(lab.bench, assigned, lab.bench.base_image), assigned, 8, 1)
        assert (found.runs, found.source) == (8, "evaluator")
        assert found.winner["mode"] == "well"
        assert [o.seed for o in found.seeds] == list(assigned.ticket.seeds)
        assert found.validation_mean == found.holdout_mean
        assert found.validation_mean == pytest.approx(found.winner["lr"])
        assert found.validation_std == 0
        assert lab.bench.sandboxes.list() == ()
        show(found)
        assert "mean ± std" in capsys.readouterr().out

        with pytest.raises(InputError, match="leave nothing"):
            control(Runner(lab.bench, assigned, lab.bench.base_image), assigned, 2, 1)

        hopeless = lab.assigned(search_space={"mode": {"type": "choice", "choices": ["fail"]}})
        found = control(Runner(lab.bench, hopeless, lab.bench.base_image), hopeless, 4, 1)
        assert (found.failed, found.seeds, found.validation_mean) == (2, (), None)

        metric = {"name": "quality", "direction": "minimize", "pattern": "quality (.*)"}
        changes = {"evaluator": None, "metric": metric, "search_space": {"lr": space["lr"]}}
        reporting = lab.assigned(**changes, settings={"style": "file", "file": "config.yaml"})
        found = control(Runner(lab.bench, reporting, lab.bench.base_image), reporting, 3, 1)
        assert (found.source, found.holdout_mean) == ("reported", None)
        assert found.validation_mean == 0.5  # the program does not read the file


def test_a_wrong_ticket_is_an_error_for_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ticket.md").write_text("no front matter")
    assert main([str(tmp_path / "ticket.md")]) == 2
    assert "ticket.md" in capsys.readouterr().err
