"""A home that came with a folder is never taken for the person's own."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.wiring import home_folder, open_home
from labcrew.errors import InputError
from labcrew.home import Home
from labcrew.state_folder import state_folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that somebody is in who has named no home."""
    for name in ("person", "state", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.delenv("LABCREW_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def _made(*arguments: str) -> None:
    result = CliRunner().invoke(app, ["init", *arguments])
    assert result.exit_code == 0, result.output


def _refused() -> None:
    with pytest.raises(InputError) as caught:
        home_folder(None)
    assert "--home ./.labcrew" in caught.value.remedy


def test_what_came_with_the_folder_is_refused_by_every_command(folder: Path) -> None:
    Home(folder / ".labcrew").create()
    settings = folder / ".labcrew" / "labcrew.toml"
    settings.write_text('[forge]\nkind = "gitlab"\ntoken_variable = "OPENAI_API_KEY"\n')
    before = sorted(folder.rglob("*"))
    for command in (["init"], ["doctor"], ["ticket", "list"], ["ledger", "verify"]):
        result = CliRunner().invoke(app, [*command, "--json"])
        assert result.exit_code == 2, result.output
        error = json.loads(result.stdout)["error"]
        assert str(folder / ".labcrew") in error["message"]
        assert "--home ./.labcrew" in error["remedy"]
    assert sorted(folder.rglob("*")) == before


def test_settings_alone_are_refused_too(folder: Path) -> None:
    (folder / ".labcrew").mkdir()
    (folder / ".labcrew" / "labcrew.toml").write_text('[forge]\nkind = "gitlab"\n')
    _refused()


def test_what_was_made_here_is_found_again(folder: Path) -> None:
    _made("--home", ".labcrew")
    assert home_folder(None) == folder / ".labcrew"
    result = CliRunner().invoke(app, ["ticket", "list"])
    assert result.exit_code == 0, result.output


def test_what_was_named_once_is_found_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(folder / ".labcrew")
    home.create()
    with open_home(Path(".labcrew")) as opened:
        assert opened.home.root == folder / ".labcrew"
    assert home_folder(None) == home.root
    shutil.rmtree(state_folder())
    _refused()
    monkeypatch.setenv("LABCREW_HOME", ".labcrew")
    with open_home(None):
        pass
    monkeypatch.delenv("LABCREW_HOME")
    assert home_folder(None) == home.root


def test_another_home_at_the_same_place_is_refused(folder: Path) -> None:
    _made("--home", ".labcrew")
    shutil.rmtree(folder / ".labcrew")
    assert home_folder(None) == Path.home() / ".labcrew"
    Home(folder / ".labcrew").create()
    _refused()
    for text in ("", "[]", "{}", "[" * 100_000):
        (folder / ".labcrew" / "home.json").write_text(text)
        _refused()


def test_the_same_home_at_another_place_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _made("--home", ".labcrew")
    clone = folder.parent / "clone"
    shutil.copytree(folder, clone)
    monkeypatch.chdir(clone)
    _refused()


def test_the_usual_home_needs_no_note(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path.home() / ".labcrew"
    assert home_folder(None) == usual
    Home(usual).create()
    monkeypatch.chdir(Path.home())
    assert home_folder(None) == usual


def test_a_state_folder_that_would_lie_in_the_working_folder_is_not_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    assert state_folder() == Path.home() / ".local" / "state" / "labcrew"
    _made("--home", ".labcrew")
    assert not (folder / "state").exists()


def test_where_no_note_can_be_written_a_home_must_be_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    _made("--home", ".labcrew")
    _refused()
    with open_home(Path(".labcrew")):
        pass
