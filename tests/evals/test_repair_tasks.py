"""Every task's tests fail on the bug and pass on its repair, and the catalogue is balanced."""

import pytest

from evals.repair.catalogue import Task, catalogue
from evals.repair.proving import Proof, prove

NAMES = [task.name for task in catalogue()]


@pytest.fixture(scope="module")
def tasks() -> dict[str, Task]:
    return {task.name: task for task in catalogue()}


@pytest.fixture(scope="module")
def proofs(tasks: dict[str, Task]) -> dict[str, Proof]:
    return prove(tasks.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_judge_the_repair(
    name: str, tasks: dict[str, Task], proofs: dict[str, Proof]
) -> None:
    proof = proofs[name]
    assert proof.troubles(tasks[name]) == [], f"{proof.before.tail}\n{proof.after.tail}"
