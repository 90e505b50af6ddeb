"""The script that records what libraries print."""

import sys
from pathlib import Path

import pytest

from evals.log_fixtures.record import main


def test_a_library_that_is_missing_is_named_and_nothing_is_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "catboost.txt").write_text("as before")
    arguments = ["--python", sys.executable, "--only", "catboost", "--output", str(tmp_path)]
    assert main(arguments) == 1
    assert "catboost" in capsys.readouterr().err
    assert (tmp_path / "catboost.txt").read_text() == "as before"
