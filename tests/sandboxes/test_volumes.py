"""Capped workspaces: what they hold, how long they last, and that nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.sandbox import Limits, OverlayFile, WorkspaceSource
from labcrew.errors import EngineError, StorageFull
from labcrew.settings import SandboxSettings
from sandboxes import hardening
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.volumes.keeper import Keeper
from sandboxes.volumes.orphans import containers
from sandboxes.volumes.owners import owner
from sandboxes.volumes.volumes import Volumes
from tests.sandboxes.fixtures import Workshop

SMALL = Limits(memory_mb=128, timeout_s=60, workspace_mb=16, workspace_files=200)


def loops(home: str) -> set[str]:
    """The images of a home that are behind a loop device of this machine."""
    found = set()
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            text = file.read_text().strip()
        except OSError:
            continue
        if f"labcrew-{home}" in text:
            found.add(text)
    return found


def settle(home: str) -> set[str]:
    """Those that stay: a device goes a moment after its last user."""
    end = time.monotonic() + 60
    while (left := loops(home)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


@pytest.fixture
def own(workshop: Workshop) -> Iterator[DockerSandboxes]:
    """Containers of a home that begins and ends with the test."""
    sandboxes = DockerSandboxes(
        f"test{uuid.uuid4().hex[:10]}", workshop.repositories, workshop.sandboxes.client
    )
    yield sandboxes
    sandboxes.clean_orphans(set())
    sandboxes.close()


def test_a_workspace_holds_what_was_asked_for_and_no_more(workshop: Workshop) -> None:
    script = "head -c 15M /dev/zero > most && echo fits; head -c 9M /dev/zero > more; wc -c < more"
    result = workshop.sandboxes.run(workshop.spec("fill", script, limits=SMALL))
    first, more = result.stdout.splitlines()
    assert first == "fits"
    assert int(more) < 2 << 20
    assert "No space left" in result.stderr


def test_files_are_counted_too(workshop: Workshop) -> None:
    script = "for i in $(seq 400); do : > f$i || exit 2; done"
    result = workshop.sandboxes.run(workshop.spec("many", script, limits=SMALL))
    assert result.exit_code == 2
    assert result.workspace_full
    assert not workshop.sandboxes.run(workshop.spec("few", "exit 3", limits=SMALL)).workspace_full


def test_a_failed_run_says_that_its_workspace_is_full(workshop: Workshop) -> None:
    spec = workshop.spec("trial", "head -c 50M /dev/zero > model.bin", limits=SMALL)
    workshop.sandboxes.start(spec)
    assert "No space left" in "".join(workshop.sandboxes.follow(spec.name))
    status = workshop.sandboxes.status(spec.name)
    assert (status.state, status.exit_code, status.workspace_full) == ("exited", 1, True)


def test_what_does_not_fit_in_is_told_before_it_starts(workshop: Workshop) -> None:
    big = OverlayFile(path="big", content=bytes(30 << 20))
    source = WorkspaceSource(repository=workshop.name, commit=workshop.commit, overlay=(big,))
    spec = workshop.spec("big", "true", limits=SMALL, workspace=source)
    with pytest.raises(StorageFull, match=r"16 MiB and 200 files"):
        workshop.sandboxes.run(spec)


def test_its_root_is_the_users_and_empty_whatever_the_image(workshop: Workshop) -> None:
    script = "stat -c '%u %g %a' . && ls -A && grep ' /workspace ' /proc/mounts"
    result = workshop.sandboxes.run(workshop.spec("root", script, workspace=None))
    owner, mount = result.stdout.splitlines()
    assert owner == "10001 10001 755"
    assert {"rw", "nosuid", "nodev"} <= set(mount.split()[3].split(","))
    assert mount.split()[2] == "ext4"


def test_a_workspace_outlives_its_container_and_the_keeper(
    workshop: Workshop, own: DockerSandboxes
) -> None:
    spec = workshop.spec("lasts", "echo kept > state; test ! -e again && exit 0; cat again")
    own.start(spec)
    "".join(own.follow(spec.name))
    own.close()
    assert settle(own.home_id) == set()
    workshop.sandboxes.start(workshop.spec("taker", "sleep 60"))  # its device may be another's now
    later = DockerSandboxes(own.home_id, workshop.repositories, own.client)
    try:
        assert later.read_file(spec.name, "state") == b"kept\n"
        container = own.container_name(spec.name)
        own.client.put_archive(container, "/workspace", hardening_tar())
        own.client.start(container)
        assert own.client.wait(container)["StatusCode"] == 0
    finally:
        later.close()


def hardening_tar() -> bytes:
    from sandboxes.crossing.tarballs import owned

    return owned(b"", (OverlayFile(path="again", content=b"more\n"),))


def test_a_lost_keeper_is_replaced_while_its_workspaces_run_on(
    workshop: Workshop, own: DockerSandboxes
) -> None:
    spec = workshop.spec("on", "while :; do date > next; mv next now; sleep 0.1; done")
    own.start(spec)
    lost = own._volumes.keeper
    own.client.kill(lost)
    for _ in range(100):
        if not own.client.containers(filters={"name": lost}, all=True):
            break
        time.sleep(0.05)
    before = loops(own.home_id)
    assert own.read_file(spec.name, "now")
    assert own._volumes.keeper not in ("", lost)
    assert loops(own.home_id) == before  # the same device, not a second one on the same image
    own.stop(spec.name, 0)
    assert own.read_file(spec.name, "now")


def test_nothing_is_left_of_a_removed_workspace(workshop: Workshop, own: DockerSandboxes) -> None:
    specs = [workshop.spec(f"gone{n}", "sleep 60") for n in range(3)]
    for spec in specs:
        own.start(spec)
    assert len(loops(own.home_id)) == 3
    for spec in specs:
        own.remove(spec.name)
    assert settle(own.home_id) == set()
    assert own._volumes.names() == set()
    own.close()
    for mark in (hardening.HOME, hardening.KEEPER):
        marks = {"label": [f"{mark}={own.home_id}"]}
        assert containers(own.client, f"{mark}={own.home_id}") == []
        assert not own.client.volumes(filters=marks)["Volumes"]


KILLED = """
import os, signal, sys
from pathlib import Path
from labcrew.domain.sandbox import Limits, SandboxSpec
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.images import base_tag
from sandboxes.git.repositories import GitRepositories
sandboxes = DockerSandboxes(sys.argv[1], GitRepositories(Path(sys.argv[2])))
for name, script in (("ended", "true"), ("running", "sleep 60")):
    sandboxes.start(SandboxSpec(
        name=name, purpose="trial", ticket="T-1", image=base_tag(), command=("sh", "-c", script),
        limits=Limits(memory_mb=64, timeout_s=60)))
sandboxes._volumes.driver("labcrew-" + sys.argv[1] + "-never", Limits(), {})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_nothing_that_its_home_does_not_find(
    workshop: Workshop, tmp_path: Path
) -> None:
    home = f"test{uuid.uuid4().hex[:10]}"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, home, str(tmp_path)], env=os.environ, check=False
    )
    assert done.returncode == -signal.SIGKILL
    again = DockerSandboxes(home, workshop.repositories, workshop.sandboxes.client)
    try:
        assert again.clean_orphans({"running"}) == ("ended", "never")
        assert again.status("running").state == "running"
        assert len(loops(home)) == 1
        assert again.clean_orphans(set()) == ("running",)
    finally:
        again.close()
    assert settle(home) == set()
    marks = {"label": [f"{hardening.KEEPER}={home}"]}
    assert containers(workshop.sandboxes.client, f"{hardening.KEEPER}={home}") == []
    assert not workshop.sandboxes.client.volumes(filters=marks)["Volumes"]


def test_the_keeper_has_next_to_no_rights(workshop: Workshop, own: DockerSandboxes) -> None:
    own.start(workshop.spec("x", "true"))
    found = own.client.inspect_container(own._volumes.keeper)
    host = found["HostConfig"]
    assert (host["CapDrop"], host["Privileged"], host["NetworkMode"]) == (["ALL"], False, "none")
    assert host["ReadonlyRootfs"]
    status = own.client.exec_create(
        own._volumes.keeper,
        [
            "sh",
            "-c",
            "grep -h Cap /proc/1/status; cat /host-dev/vda /host-dev/mem; ls /host-dev/shm",
        ],
    )
    said = own.client.exec_start(status["Id"]).decode()
    assert said.count("0000000000000000") == 5
    assert "loop" not in said


class Barred(Keeper):
    """A keeper to which no loop device is open, as on a rootless engine."""

    def _body(self, marks: dict[str, str]) -> dict[str, Any]:
        body = super()._body(marks)
        del body["HostConfig"]["DeviceCgroupRules"]
        return body


def test_without_loop_devices_it_says_so_and_how_to_go_on(workshop: Workshop) -> None:
    client = workshop.sandboxes.client
    barred = Barred(client, f"test{uuid.uuid4().hex[:10]}", owner(None))
    with pytest.raises(EngineError, match="can't cap workspaces") as caught:
        barred.ask("make", name="x", mb=16, files=64)
    assert 'sandbox.volumes = "plain"' in caught.value.remedy
    assert not barred.has_any()


def test_a_workspace_that_another_process_made_is_mounted_too(
    workshop: Workshop, own: DockerSandboxes
) -> None:
    other = DockerSandboxes(own.home_id, workshop.repositories, own.client)
    own.start(workshop.spec("first", "true"))  # its keeper runs before the other's image is made
    spec = workshop.spec("theirs", "echo kept > state")
    other.start(spec)
    "".join(other.follow(spec.name))
    other.close()
    assert own.read_file(spec.name, "state") == b"kept\n"


def test_plain_workspaces_belong_to_the_user_too(workshop: Workshop) -> None:
    plain = DockerSandboxes(
        f"test{uuid.uuid4().hex[:10]}",
        workshop.repositories,
        workshop.sandboxes.client,
        settings=SandboxSettings(volumes="plain"),
    )
    result = plain.run(workshop.spec("plain", "stat -c '%u' . && echo x > y && ls -A"))
    assert result.stdout == "10001\n.gitignore\ndata\nevaluate.py\ntrain.py\ny\n"
    assert plain._volumes.keeper == ""
    assert plain.clean_orphans(set()) == ()
    plain.close()


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """An engine whose caller is killed as soon as it has made a container."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_container_from_config(self, body: dict[str, Any], name: str) -> None:
        self._client.create_container_from_config(body, name)
        raise Killed


def test_a_crash_while_a_plain_workspace_is_made_leaves_nothing(workshop: Workshop) -> None:
    plain = DockerSandboxes(
        f"test{uuid.uuid4().hex[:10]}",
        workshop.repositories,
        workshop.sandboxes.client,
        settings=SandboxSettings(volumes="plain"),
    )
    spec = workshop.spec("cut-off", "true")
    dying: Any = Dying(plain.client)
    volumes = Volumes(lambda: dying, plain.home_id, owner(None), "plain")
    labels = hardening.labels(plain.home_id, spec, owner(None))
    with pytest.raises(Killed):
        volumes.driver(plain.container_name(spec.name), spec.limits, labels)
    assert plain.clean_orphans(set()) == (spec.name,)
    for mark in (hardening.HOME, hardening.KEEPER):
        marks = {"label": [f"{mark}={plain.home_id}"]}
        assert containers(plain.client, f"{mark}={plain.home_id}") == []
        assert not plain.client.volumes(filters=marks)["Volumes"]
    plain.close()


def test_a_draft_that_a_killed_keeper_left_goes_with_the_next(
    workshop: Workshop, own: DockerSandboxes
) -> None:
    spec = workshop.spec("x", "true")
    own.start(spec)
    keeper = own._volumes.keeper
    made = own.client.exec_create(keeper, ["touch", "/disks/y.draft", "/disks/y.link"])
    own.client.exec_start(made["Id"])
    own.client.kill(keeper)
    assert own._volumes.names() == {own.container_name(spec.name)}
    listed = own.client.exec_create(own._volumes.keeper, ["ls", "/disks"])
    said = own.client.exec_start(listed["Id"]).decode()
    assert ".img" in said
    assert "y." not in said


def test_a_runtime_that_the_engine_has_not_is_refused(workshop: Workshop) -> None:
    for runtime in ("runc", "no-such-runtime"):
        sandboxes = DockerSandboxes(
            f"test{uuid.uuid4().hex[:10]}",
            workshop.repositories,
            workshop.sandboxes.client,
            settings=SandboxSettings(runtime=runtime),
        )
        spec = workshop.spec("by", "echo ran")
        if runtime == "runc":
            assert sandboxes.body(spec)["HostConfig"]["Runtime"] == "runc"
            assert sandboxes.run(spec).stdout == "ran\n"
        else:
            with pytest.raises(EngineError, match=r"no-such-runtime; the engine has .*runc"):
                sandboxes.run(spec)
        sandboxes.clean_orphans(set())
        sandboxes.close()


def test_gpus_are_asked_for_as_the_engine_wants_it(workshop: Workshop) -> None:
    spec = workshop.spec("gpu", "true", limits=Limits(gpus=2))
    body = hardening.body("home", spec, "volume")
    assert body["HostConfig"]["DeviceRequests"] == [{"Count": 2, "Capabilities": [["gpu"]]}]
    none = hardening.body("home", workshop.spec("cpu", "true"), "volume")
    assert "DeviceRequests" not in none["HostConfig"]


def test_what_could_not_be_created_leaves_no_workspace(
    workshop: Workshop, own: DockerSandboxes
) -> None:
    with pytest.raises(EngineError, match="no image"):
        own.start(workshop.spec("none", "true", image="labcrew/none:none"))
    assert own._volumes.names() == set()


def test_a_lost_keeper_leaves_no_empty_volume(workshop: Workshop, own: DockerSandboxes) -> None:
    own.run(workshop.spec("x", "true"))
    own.client.kill(own._volumes.keeper)
    own.close()
    marks = {"label": [f"{hardening.KEEPER}={own.home_id}"]}
    assert not own.client.volumes(filters=marks)["Volumes"]
