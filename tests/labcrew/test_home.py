"""A home is made once, and one process owns it."""

import subprocess
import sys
from pathlib import Path

import pytest

from labcrew.errors import InputError, LabcrewError
from labcrew.home import Home

OWN = """
import sys
from pathlib import Path
from labcrew.home import Home
with Home(Path(sys.argv[1])).owned():
    print("owned", flush=True)
    sys.stdin.read()
"""


def test_a_home_is_made_once_and_keeps_its_id(tmp_path: Path) -> None:
    home = Home(tmp_path / "a home")
    assert not home.exists()
    assert home.create()
    first = home.id
    assert len(first) == 10
    assert not home.create()
    assert home.id == first
    assert Home(tmp_path / "other").create()
    assert Home(tmp_path / "other").id != first
    assert home.memory.stat().st_mode & 0o777 == 0o700


def test_every_place_lies_beneath_the_root(tmp_path: Path) -> None:
    home = Home(tmp_path)
    places = (home.anchor, home.checkpoints, home.memory, home.repositories, home.settings_file,
              home.artefacts("T-1"), home.outputs("T-1", "T-1-000"))  # fmt: skip
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert len(set(places)) == len(places)
    assert home.ledger_url == f"sqlite:///{tmp_path}/ledger.db"
    assert home.tracking_url == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match="not empty"):
        Home(tmp_path).create()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_second_process_is_told_who_owns_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    command = [sys.executable, "-c", OWN, str(home.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owned\n"
        with pytest.raises(LabcrewError, match=f"in use by process {owner.pid}"), home.owned():
            pass
        owner.kill()  # the kernel drops the lock, however a process ends
        owner.wait()
    with home.owned():
        pass
    with home.owned():
        pass
