"""Sandboxes whose workspace lies in their memory: what they hold, and what leaves them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcrew.domain.sandbox import Limits, OverlayFile, WorkspaceSource
from labcrew.errors import BoundaryError, EngineError, StorageFull, ToolError
from sandboxes import hardening
from tests.sandboxes.fixtures import Workshop

engine = pytest.mark.engine


@pytest.fixture
def box(workshop: Workshop) -> Iterator[str]:
    source = WorkspaceSource(
        repository=workshop.name,
        commit=workshop.commit,
        without=("evaluate.py",),
        overlay=(OverlayFile(path="data/new.bin", content=bytes(range(256)) * 1000),),
    )
    spec = workshop.spec(
        "memory", "", purpose="candidate", command=(), in_memory=True, workspace=source
    )
    workshop.sandboxes.start(spec)
    yield spec.name
    workshop.sandboxes.remove(spec.name)
    assert workshop.sandboxes.status(spec.name).state == "missing"


def shell(workshop: Workshop, box: str, script: str) -> str:
    return workshop.sandboxes.exec(box, ("sh", "-c", script)).stdout


@engine
def test_what_it_holds(workshop: Workshop, box: str) -> None:
    found = shell(workshop, box, "find . -type f | sort; cat train.py; wc -c < data/new.bin")
    files = "./.gitignore\n./data/holdout.csv\n./data/new.bin\n./data/train.csv\n./train.py\n"
    assert found == f"{files}print('trained')\n256000\n"
    owner = shell(workshop, box, "stat -c '%u:%g %a' . train.py data; id -u")
    assert owner == "10001:10001 755\n10001:10001 644\n10001:10001 755\n10001\n"


@engine
def test_how_it_is_mounted(workshop: Workshop, box: str) -> None:
    (line,) = shell(workshop, box, "grep ' /workspace ' /proc/mounts").splitlines()
    kind, options = line.split()[2:4]
    assert kind == "tmpfs"
    assert {"rw", "nosuid", "nodev", "size=131072k"} <= set(options.split(","))
    assert "Read-only" in workshop.sandboxes.exec(box, ("touch", "/etc/x")).stderr


@engine
def test_it_has_no_volume(workshop: Workshop, box: str) -> None:
    container = workshop.sandboxes.container_name(box)
    listed = subprocess.run(["docker", "inspect", container], capture_output=True, check=True)
    (told,) = json.loads(listed.stdout)
    assert told["Mounts"] == []
    assert told["Config"]["Labels"][hardening.PURPOSE] == "candidate"
    assert told["HostConfig"]["NetworkMode"] == "none"


@engine
def test_bytes_leave_it_as_they_are(workshop: Workshop, box: str) -> None:
    shell(workshop, box, "cp data/new.bin out; : > none; head -c 1048576 /dev/zero > most")
    read = workshop.sandboxes.read_file
    assert read(box, "out") == bytes(range(256)) * 1000
    assert read(box, "none") == b""
    assert read(box, "most", 1) == bytes(1 << 20)
    shell(workshop, box, "echo > -n; echo x > 'a b; $(c)'")
    assert read(box, "-n") == b"\n"
    assert read(box, "a b; $(c)") == b"x\n"


@engine
@pytest.mark.parametrize(
    ("make", "path", "error"),
    [
        ("true", "out", ToolError),
        ("ln -s /etc/passwd out", "out", BoundaryError),
        ("ln -s gone out", "out", BoundaryError),
        ("mkfifo out", "out", BoundaryError),
        ("mkdir out", "out", BoundaryError),
        ("echo x > out; chmod 0 out", "out", BoundaryError),
        ("truncate -s 1T out", "out", BoundaryError),
        ("head -c 1048577 /dev/zero > out", "out", BoundaryError),
        ("true", "data/train.csv", BoundaryError),
        ("true", "../etc/passwd", BoundaryError),
    ],
)
def test_what_does_not_leave_it(
    workshop: Workshop, box: str, make: str, path: str, error: type[Exception]
) -> None:
    shell(workshop, box, make)
    with pytest.raises(error):
        workshop.sandboxes.read_file(box, path, 1)


@engine
def test_it_is_not_collected(workshop: Workshop, box: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="can't be collected"):
        workshop.sandboxes.collect(box, ".", tmp_path / "y", 1)


@engine
def test_it_is_full_before_its_memory_is(workshop: Workshop, box: str) -> None:
    done = workshop.sandboxes.exec(box, ("sh", "-c", "head -c 1G /dev/zero > big; echo on"))
    assert "No space left" in done.stderr
    assert done.stdout == "on\n"


@engine
def test_more_than_fits_is_told(workshop: Workshop) -> None:
    big = OverlayFile(path="big", content=bytes(20 << 20))
    spec = workshop.spec(
        "memory",
        "",
        purpose="candidate",
        command=(),
        in_memory=True,
        workspace=WorkspaceSource(repository=workshop.name, commit=workshop.commit, overlay=(big,)),
        limits=Limits(memory_mb=32, timeout_s=30),
    )
    with pytest.raises(StorageFull):
        workshop.sandboxes.start(spec)
    workshop.sandboxes.remove(spec.name)
