"""The tool: what the sandbox says of checkpoints, held against what lies there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evals.lab import bare_bench
from labcrew.errors import BoundaryError, PolicyRefused, ToolError
from tests.facts import KnownFacts
from tests.tickets import make_assigned
from tools.inspect_checkpoints import InspectCheckpoints, inspect_checkpoints, parse_inspected
from tools.toolbox import Toolbox

REAL = Path(__file__).parents[1] / "inside" / "checkpoints"
GOOD: dict[str, Any] = {
    "path": "checkpoints/a.npz", "size_bytes": 1, "sha256": "0" * 64, "kind": "numpy",
    "loads": True, "finite": None, "step": 3, "modified_at": 1.0, "trouble": "",
}  # fmt: skip
FILES = ["checkpoints/a.npz", "checkpoints/checkpoint-5/model.bin"]


def said(*checkpoints: dict[str, Any]) -> str:
    return json.dumps({"checkpoints": checkpoints})


def test_files_and_folders_that_are_there() -> None:
    folder = GOOD | {"path": "checkpoints/checkpoint-5", "trouble": "odd\x1b[31m"}
    found = parse_inspected(said(GOOD, folder), FILES)
    assert [one.path for one in found.checkpoints] == [GOOD["path"], folder["path"]]
    assert found.checkpoints[1].trouble == "odd[31m"


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "[]",
        "not json",
        "[" * 100_000,
        said(GOOD | {"path": "../other"}),
        said(GOOD | {"path": "checkpoints/missing"}),
        said(GOOD, GOOD),
        said(GOOD | {"sha256": "short"}),
        said(GOOD | {"loads": "perhaps"}),
        said(GOOD | {"order": "delete"}),
        said(GOOD | {"trouble": "x" * 5000}),
    ],
)
def test_an_answer_of_any_other_shape(stdout: str) -> None:
    with pytest.raises(ToolError, match="not usable"):
        parse_inspected(stdout, FILES)


@pytest.mark.engine
async def test_checkpoints_are_looked_at_in_a_sandbox(tmp_path: Path) -> None:
    with bare_bench() as bench:
        assigned = make_assigned()
        tools = Toolbox("log_monitor", assigned, bench, "look", KnownFacts(assigned))
        call = InspectCheckpoints(trial="T-0001-000")
        assert (await tools.use(inspect_checkpoints, call)).checkpoints == ()

        folder = bench.home.outputs(assigned.id, call.trial) / "checkpoints"
        folder.mkdir(parents=True)
        for name in ("torch-good.pt", "sklearn-nan.joblib"):
            shutil.copyfile(REAL / name, folder / name)
        (folder / "cut.pt").write_bytes((REAL / "torch-good.pt").read_bytes()[:2000])
        found = (await tools.use(inspect_checkpoints, call)).checkpoints
        assert [(one.path, one.loads, one.finite, one.step) for one in found] == [
            ("checkpoints/cut.pt", False, None, None),
            ("checkpoints/sklearn-nan.joblib", True, False, 16),
            ("checkpoints/torch-good.pt", True, True, 120),
        ]

        with pytest.raises(PolicyRefused):
            await tools.use(inspect_checkpoints, InspectCheckpoints(trial="T-0002-000"))
        other = Toolbox("coordinator", assigned, bench, "look", KnownFacts(assigned))
        with pytest.raises(PolicyRefused):
            await other.use(inspect_checkpoints, call)
        (folder / "link.pt").symlink_to(REAL / "torch-good.pt")
        with pytest.raises(BoundaryError):
            await tools.use(inspect_checkpoints, call)
