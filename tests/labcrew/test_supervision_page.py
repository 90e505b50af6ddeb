"""docs/supervision.md: its example runs, resumes to the same end and offers everything."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from labcrew.domain.monitoring import ACTIONS
from labcrew.domain.supervision import Offer
from tests.tools.tars import tar_of
from tools.offers import VARIABLES, _named

PAGE = (Path(__file__).parents[2] / "docs" / "supervision.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


def ran(folder: Path, **told: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLE],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LABCREW_CHECKPOINTS": str(folder)}
        | {f"LABCREW_{name}": value for name, value in told.items()},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_example_goes_on_where_it_was(tmp_path: Path) -> None:
    whole, rest = tmp_path / "whole", tmp_path / "rest"
    lines = ran(whole).splitlines()
    assert len(lines) == 40
    assert float(lines[-1].split()[-1]) < float(lines[0].split()[-1]) / 10
    assert ran(rest, RESUME=str(whole / "step-20.npz")).splitlines() == lines[20:]
    assert sorted(path.name for path in rest.iterdir()) == ["step-30.npz", "step-40.npz"]
    with np.load(whole / "step-40.npz") as one, np.load(rest / "step-40.npz") as other:
        assert np.array_equal(one["weights"], other["weights"])


def test_the_example_does_as_it_is_told(tmp_path: Path) -> None:
    quarantine = tmp_path / "quarantine"
    quarantine.write_text("shard-1\nshard-3\n")
    lines = ran(tmp_path / "a", QUARANTINE=str(quarantine)).splitlines()
    assert len(lines) == 20
    assert not [line for line in lines if "shard-1" in line or "shard-3" in line]
    plain = ran(tmp_path / "b")
    slower = ran(tmp_path / "c", LEARNING_RATE_SCALE="0.01").splitlines()
    assert float(slower[-1].split()[-1]) > float(plain.splitlines()[-1].split()[-1])
    assert ran(tmp_path / "d", GRADIENT_CLIP="0.1") != plain
    assert ran(tmp_path / "e", BATCH_SCALE="0.25") != plain


def test_the_example_offers_everything() -> None:
    assert _named(tar_of({"train.py": EXAMPLE.encode()})) == set(get_args(Offer))
    assert len(EXAMPLE.splitlines()) < 40


@pytest.mark.parametrize("name", [*VARIABLES.values(), *(f"`{action}`" for action in ACTIONS)])
def test_the_page_tells_of_every_variable_and_action(name: str) -> None:
    assert name in PAGE
