"""How many candidates run at once: what the spec asks for, within what the machine has."""

from typing import Any

import pytest

from labcrew.domain.evolution_spec import ModelAllowance, Program
from labcrew.domain.sandbox import Capacity
from tools.evolution.run_candidate import at_once


@pytest.mark.parametrize(
    ("wanted", "program", "runs"),
    [
        (2, {}, 2),
        (64, {}, 4),
        (64, {"cpus": 0.5}, 8),
        (3, {"cpus": 8}, 1),
        (64, {"memory_mb": 3000}, 2),
        (64, {"memory_mb": 9000}, 1),
        (64, {"model": ModelAllowance()}, 8),
    ],
)
def test_no_more_runs_go_at_once_than_the_machine_bears(
    wanted: int, program: dict[str, Any], runs: int
) -> None:
    made = Program.model_validate({"command": "run {input} {output}", **program})
    assert at_once(wanted, made, Capacity(cpus=4, memory_mb=8192)) == runs
