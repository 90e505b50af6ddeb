"""The base image: its name, a build, and what is said when there is none."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcrew.errors import EngineError
from sandboxes import images
from sandboxes.client import connect
from sandboxes.images import BaseImage, base_software, base_tag

pytestmark = pytest.mark.engine


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build context of the test's own, with an image that takes no time."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"FROM scratch\nLABEL test={uuid.uuid4()}\nCOPY host/ca.pem inside/a /\n"
    )
    (folder / "inside").mkdir()
    (folder / "inside" / "a").write_text("a")
    monkeypatch.setattr(images, "context", lambda: folder)
    return folder


@pytest.fixture
def built() -> Iterator[list[str]]:
    """Tags that are removed afterwards."""
    tags: list[str] = []
    yield tags
    client = connect()
    for tag in tags:
        client.remove_image(tag)
    client.close()


def test_the_name_follows_what_it_is_built_from(context: Path) -> None:
    first = base_tag()
    (context / "__pycache__").mkdir()
    (context / "__pycache__" / "a.pyc").write_text("left behind by a run")
    assert base_tag() == first
    (context / "inside" / "a").rename(context / "inside" / "b")
    assert base_tag() != first
    (context / "inside" / "b").rename(context / "inside" / "a")
    assert base_tag() == first
    (context / "inside" / "a").write_text("b")
    assert base_tag() != first


def test_what_is_installed_does_not_follow_our_own_programs(context: Path) -> None:
    first = base_software()
    (context / "inside" / "a").write_text("b")
    assert base_software() == first
    (context / "requirements.txt").write_text("iniconfig\n")
    second = base_software()
    assert second != first
    (context / "Dockerfile").write_text("FROM scratch\n")
    assert base_software() not in (first, second)


def test_it_is_built_once(context: Path, built: list[str]) -> None:
    said: list[str] = []
    client = connect()
    tag = BaseImage(client, said.append).ensure()
    built.append(tag)
    assert tag == base_tag()
    assert any(line.startswith("  Step 1/3 : FROM scratch") for line in said)
    assert said[-1] == f"The sandbox image {tag} is ready."
    said.clear()
    assert BaseImage(client, said.append).ensure() == tag
    assert said == [f"The sandbox image {tag} is there; nothing to do."]
    client.close()


def test_a_build_that_fails_shows_its_end(context: Path) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY nothing /\n")
    client = connect()
    with pytest.raises(EngineError, match="could not be built") as caught:
        BaseImage(client).ensure()
    client.close()
    assert "COPY nothing" in caught.value.message
    assert "\x1b" not in caught.value.message


def test_a_registry_that_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    client = connect()
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert BaseImage(client)._pull() is False
    client.close()


def test_a_command_that_fails_shows_its_end() -> None:
    client = connect()
    with pytest.raises(EngineError, match="line 30") as caught:
        BaseImage(client)._checked(["sh", "-c", "seq -f 'line %g' 30; exit 1"], "/usr/bin:/bin")
    client.close()
    assert "line 15\n" not in caught.value.message


def test_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert images.main(["tag"]) == 0
    assert capsys.readouterr().out == base_tag() + "\n"
    assert images.main(["ensure"]) == 0
    assert base_tag() in capsys.readouterr().out
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert images.main(["ensure"]) == 4
    assert "No Docker engine answers" in capsys.readouterr().err


def test_a_docker_in_the_users_folder_is_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    (tmp_path / "docker.py").write_text(f"open({str(marker)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    client = connect()
    # A registry that answers nothing: neither the network nor an image is touched.
    monkeypatch.setattr(images, "REGISTRY_BASE", "127.0.0.1:9/none:1")
    assert not BaseImage(client)._pull()
    assert not marker.exists()
    client.close()
