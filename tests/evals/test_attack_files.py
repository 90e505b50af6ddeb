"""The part "files" of the battery, on the real engine, with its control."""

from pathlib import Path

import pytest

from evals.attacks.battery import attack
from evals.attacks.files.inside.harm import harm
from evals.attacks.files.part import FILES
from evals.attacks.table import complaints
from evals.lab import bare_bench


@pytest.mark.engine
def test_no_file_escapes_and_careless_readers_are_bitten() -> None:
    with bare_bench() as bench:
        report = attack(bench, [FILES])
    assert complaints(report) == []
    races = [found for found in report.parts[0].findings if found.probe.startswith("race")]
    assert len(races) == 4, "each of 3,000 reads or more"


def test_the_judge_sees_harm(tmp_path: Path) -> None:
    assert harm(tmp_path, b"secret") == ""
    (tmp_path / "a").write_text("a secret")
    assert "decoy" in harm(tmp_path, b"secret")
    (tmp_path / "a").write_text("honest")
    (tmp_path / "a").chmod(0o4755)
    assert "mode" in harm(tmp_path, b"secret")
    (tmp_path / "a").chmod(0o644)
    (tmp_path / "b").symlink_to("a")
    assert "link" in harm(tmp_path, b"secret")
