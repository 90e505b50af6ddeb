"""How a trial becomes a container: commands, variables, data, and what stays hidden."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.running import Settings
from labcrew.domain.search_space import Values
from tests.tickets import make_assigned, make_trial
from tools.trial_spec import (
    arguments,
    data_inputs,
    hidden_paths,
    run_command,
    run_environment,
    spelt_value,
    trial_container,
    trial_spec,
)

VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())


@pytest.mark.parametrize(
    ("value", "spelt"),
    [(True, "true"), (False, "false"), (1e-5, "1e-05"), (3, "3"), ("a b", "a b")],
)
def test_values_are_spelt_as_programs_read_them(value: Any, spelt: str) -> None:
    assert spelt_value(value) == spelt


def test_arguments_follow_the_ticket() -> None:
    values: Values = {"learning_rate": 0.1, "name": "two words"}
    assert arguments(Settings(), values) == "--learning-rate 0.1 --name 'two words'"
    hydra = Settings(argument="{name}={value}", dashes=False)
    assert arguments(hydra, values) == "learning_rate=0.1 'name=two words'"
    assert arguments(Settings(style="environment"), values) == ""


@given(st.dictionaries(st.text("abc_", min_size=1), VALUES, max_size=3))
def test_a_shell_reads_back_what_was_meant(values: dict[str, Any]) -> None:
    expected = [word for n, v in values.items() for word in (f"--{n}", spelt_value(v))]
    assert shlex.split(arguments(Settings(dashes=False), values)) == expected


def test_placeholders_are_filled_in_one_pass() -> None:
    assigned = make_assigned()
    command = run_command(assigned, assigned.ticket.run.command, {"lr": "{seed}"}, 7)
    assert command == "python train.py --lr '{seed}' --seed 7 --outputs outputs"
    hostile = run_command(assigned, "x {settings}", {"lr": "; rm -rf /"}, 7)
    assert shlex.split(hostile) == ["x", "--lr", "; rm -rf /"]
    assert arguments(Settings(), {"{value}": 1}) == "'--{value}' 1"


def test_variables_have_names_that_a_shell_hands_on() -> None:
    assigned = make_assigned(
        settings={"style": "environment", "prefix": "run_"},
        run={"command": "x", "environment": {"OMP_NUM_THREADS": "9"}},
        budget={"cpus": 2.5},
    )
    found = run_environment(assigned, {"optimizer.learning-rate": 0.1}, 3)
    assert found["RUN_OPTIMIZER_LEARNING_RATE"] == "0.1"
    assert (found["LABCREW_SEED"], found["LABCREW_OUTPUTS"]) == ("3", "/workspace/outputs")
    assert found["OMP_NUM_THREADS"] == "9"
    plain = run_environment(make_assigned(budget={"cpus": 2.5}), {"lr": 1}, 0)
    assert plain["OMP_NUM_THREADS"] == "2"
    assert "LR" not in plain


def test_what_is_private_is_neither_copied_nor_mounted(tmp_path: Path) -> None:
    secret, plain, cleaned = (tmp_path / name for name in ("secret.csv", "plain.csv", "clean.csv"))
    cleaned.write_bytes(b"clean\xff")
    assigned = make_assigned(
        evaluator={"command": "e {outputs} {split}", "private": ["evaluate.py"]},
        data=[
            {"path": "data/train.csv", "split": "train"},
            {"path": "data/answers.csv", "private": True},
            {"path": str(secret), "private": True},
            {"path": str(plain)},
        ],
    )
    assert hidden_paths(assigned) == ("evaluate.py", "data/answers.csv")
    inputs, overlay = data_inputs(assigned, {"data/train.csv": cleaned})
    assert [(i.source, i.target) for i in inputs] == [(plain, "/data/3/plain.csv")]
    assert [(o.path, o.content) for o in overlay] == [("data/train.csv", b"clean\xff")]
    inputs, _ = data_inputs(assigned, {str(plain): cleaned}, private=True)
    assert [i.source for i in inputs] == [secret, cleaned]

    trial = make_trial(4, data="cleaned", memory_mb=99, seed=2)
    spec = trial_spec(assigned, trial, image="i", cleaned={"data/train.csv": cleaned})
    assert spec.name == trial_container(trial.id) == "t-0001-004-trial"
    assert spec.workspace is not None
    assert spec.workspace.without == hidden_paths(assigned)
    assert spec.workspace.emptied == "outputs"
    assert [o.path for o in spec.workspace.overlay] == ["data/train.csv"]
    assert (spec.limits.memory_mb, spec.trial, spec.purpose) == (99, trial.id, "trial")
    assert spec.command[2].startswith("mkdir -p outputs && python train.py")
    original = trial.model_copy(update={"data": "original"})
    spec = trial_spec(assigned, original, image="i", cleaned={"data/train.csv": cleaned})
    assert spec.workspace is not None
    assert spec.workspace.overlay == ()
