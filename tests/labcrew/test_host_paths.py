"""What no sandbox is shown, whatever leads there."""

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.home import Home
from labcrew.host_paths import refusal


@pytest.fixture
def person(tmp_path: Path) -> Path:
    folder = tmp_path / "people" / "ada"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short enough for a socket's address."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_persons_data_is_shown(person: Path) -> None:
    data = person / "data" / "train.csv"
    data.parent.mkdir()
    data.write_text("a\n1\n")
    assert refusal(data, person=person) is None
    assert refusal(data.parent, person=person) is None


@pytest.mark.parametrize(
    "name", [".ssh/id_rsa", ".aws/credentials", ".config/gcloud/key", ".netrc"]
)
def test_credentials_are_not(person: Path, name: str) -> None:
    secret = person / name
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret")
    link = person / "train.csv"
    link.symlink_to(secret)
    for path in (secret, link):
        assert "holds credentials" in str(refusal(path, person=person))


def test_nor_is_the_persons_home_or_what_holds_it(person: Path) -> None:
    for path in (person, person.parent, Path("/")):
        assert "holds" in str(refusal(path, person=person))


@pytest.mark.parametrize("path", ["/proc/1/environ", "/sys", "/dev/null", "/etc/passwd", "/run"])
def test_nor_what_belongs_to_the_machine(person: Path, path: str) -> None:
    assert refusal(Path(path), person=person) is not None


def test_nor_sockets_and_pipes(short: Path, person: Path) -> None:
    os.mkfifo(short / "pipe")
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(short / "engine"))
        assert refusal(short / "engine", person=person) == "it is a socket"
    assert refusal(short / "pipe", person=person) == "it is a named pipe"


def test_of_a_labcrew_home_only_the_tickets_own_results(tmp_path: Path, person: Path) -> None:
    home = Home(tmp_path / "project" / ".labcrew")
    home.create()
    own = home.artefacts("T-001") / "data" / "train.csv"
    others = home.outputs("T-002", "T-002-000") / "made.csv"
    for file in (own, others):
        file.parent.mkdir(parents=True)
        file.write_text("a\n")
    assert refusal(own, ticket="T-001", person=person) is None
    for path in (others, home.root, home.settings_file, home.root.parent, home.repositories):
        home.settings_file.touch()
        assert "labcrew home" in str(refusal(path, ticket="T-001", person=person))
    assert "labcrew home" in str(refusal(own, person=person))
    sly = home.artefacts("T-001") / ".." / ".." / "labcrew.toml"
    assert refusal(sly, ticket="T-001", person=person) is not None


@given(st.text(max_size=40))
def test_a_wild_path_never_raises(text: str) -> None:
    refusal(Path("/proc") / text)
    assert refusal(Path(text)) is not None or text.startswith("/")
