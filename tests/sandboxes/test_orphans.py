"""What a home left is gone at its next start; what dead homes left is found and freed."""

import json
import os
import platform
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.home import Home
from sandboxes import hardening
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.volumes import orphans
from sandboxes.volumes.owners import is_gone, owner
from tests.sandboxes.fixtures import Workshop


def told(**label: object) -> str:
    return json.dumps({"host": platform.node()} | label)


def test_a_home_is_gone_with_its_folder(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    assert not is_gone(owner(home.root))
    assert is_gone(owner(tmp_path / "other"))


def test_a_home_that_may_not_be_looked_at_is_not_gone(tmp_path: Path) -> None:
    around = tmp_path
    while len(str(around)) < 5000:  # more than a kernel looks up, as good as a locked door to root
        around = around / ("a" * 200)
    assert not is_gone(owner(around))


def test_a_home_without_a_folder_is_gone_with_its_process() -> None:
    assert not is_gone(owner(None))
    child = subprocess.run(
        [sys.executable, "-c", "from sandboxes.volumes.owners import owner; print(owner(None))"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert is_gone(child.stdout.strip())
    assert is_gone(told(pid=os.getpid(), began="1"))  # the number was given to another process


def test_another_machines_home_is_never_gone() -> None:
    assert not is_gone(json.dumps({"host": "elsewhere", "folder": "/nowhere"}))
    assert not is_gone(json.dumps({"host": "elsewhere", "pid": 1, "began": "1"}))


@given(
    st.one_of(
        st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps)
    )
)
def test_a_label_that_says_nothing_is_never_gone(label: str) -> None:
    assert not is_gone(label)


@pytest.fixture
def two(workshop: Workshop, tmp_path: Path) -> Iterator[tuple[DockerSandboxes, DockerSandboxes]]:
    """A home with a folder, and one without."""
    home = Home(tmp_path / "home")
    home.create()
    client = workshop.sandboxes.client
    made = (
        DockerSandboxes(home.id, workshop.repositories, client, folder=home.root),
        DockerSandboxes(f"test{uuid.uuid4().hex[:10]}", workshop.repositories, client),
    )
    yield made
    for sandboxes in made:
        sandboxes.clean_orphans(set())
        sandboxes.close()


def test_what_dead_homes_left_is_found_and_freed(
    workshop: Workshop, two: tuple[DockerSandboxes, DockerSandboxes], tmp_path: Path
) -> None:
    client = workshop.sandboxes.client
    dead, alive = two
    for sandboxes in two:
        sandboxes.start(workshop.spec("trial", "sleep 60"))
    network = f"labcrew-{dead.home_id}-net"
    marks = {
        hardening.HOME: dead.home_id,
        hardening.OWNER: dead.body(workshop.spec("y", "true"))["Labels"][hardening.OWNER],
    }
    client.create_network(network, labels=marks, internal=True)

    def found() -> dict[str, orphans.Leftover]:
        return {left.home: left for left in orphans.left_behind(client)}

    assert not {dead.home_id, alive.home_id} & found().keys()
    (tmp_path / "home" / "home.json").unlink()
    left = found()[dead.home_id]
    assert alive.home_id not in found()
    assert len(left.containers) == 2  # the trial and the keeper
    assert len(left.volumes) == 2
    assert left.networks == (network,)
    assert str(tmp_path / "home") in left.owner
    orphans.free(client, [left])
    assert dead.home_id not in found()
    assert [status.state for status in alive.list()] == ["running"]


def test_a_start_leaves_the_living_and_another_homes(
    workshop: Workshop, two: tuple[DockerSandboxes, DockerSandboxes]
) -> None:
    mine, others = two
    client = workshop.sandboxes.client
    living, dead = workshop.spec("living", "sleep 60"), workshop.spec("dead", "sleep 60")
    for spec in (living, dead):
        mine.start(spec)
    theirs = workshop.spec("theirs", "sleep 60")
    others.start(theirs)
    network = f"labcrew-{mine.home_id}-net"
    client.create_network(network, labels={hardening.HOME: mine.home_id}, internal=True)
    mine.close()
    assert mine.clean_orphans({living.name}) == (dead.name,)
    assert [status.name for status in mine.list()] == [living.name]
    assert mine.status(living.name).state == "running"
    assert others.status(theirs.name).state == "running"
    assert orphans.networks(client, mine.home_id) == set()
    assert mine._volumes.names() == {mine.container_name(living.name)}


@pytest.mark.engine
@pytest.mark.parametrize("name", ["../x", "a b", "", "x" * 200])
def test_a_strangers_odd_label_stops_nothing(workshop: Workshop, name: str) -> None:
    sandboxes = workshop.sandboxes
    marks = {hardening.HOME: sandboxes.home_id, hardening.NAME: name}
    volume = f"odd-{uuid.uuid4().hex[:8]}"
    sandboxes.client.create_volume(volume, labels=marks)
    container: str = sandboxes.client.create_container(
        workshop.image, ["true"], labels=marks, volumes=["/kept"]
    )["Id"]
    try:
        listed = {status.name for status in sandboxes.list()}
        assert name not in listed
        assert name not in orphans.names(sandboxes.client, sandboxes.home_id)
        assert name not in sandboxes.clean_orphans(listed)
    finally:
        sandboxes.client.remove_container(container, v=True)
        sandboxes.client.remove_volume(volume)
