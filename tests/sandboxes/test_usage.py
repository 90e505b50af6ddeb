"""What containers use, told by kernels of both kinds, by the engine alone, and by the keeper."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.sandbox import Limits
from sandboxes.gpus import Gpus
from sandboxes.usage import Meter, groups, of_groups, of_mount, of_statistics
from sandboxes.volumes.volumes import Volumes
from tests.sandboxes.fixtures import Workshop

ID = "a" * 64


def kernel(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def shown(root: Path, *lines: str) -> dict[str, Path]:
    """The groups of process 7, as a kernel lists them."""
    return groups(kernel(root, {"proc/7/cgroup": "\n".join(lines)}) / "proc", root, 7, ID)


@pytest.mark.parametrize("folder", [f"system.slice/docker-{ID}.scope", f"a.slice/b/{ID}"])
def test_version_2(tmp_path: Path, folder: str) -> None:
    files = {
        "memory.current": "3000\n",
        "memory.stat": "anon 600\nfile 2400\nshmem 400\ninactive_file 500\nactive_file 1500\n",
        "memory.max": "max\n",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
        "pids.current": "7\n",
    }
    root = kernel(tmp_path, {f"{folder}/{name}": text for name, text in files.items()})
    found = shown(root, f"0::/{folder}")
    usage = of_groups(found)
    assert usage is not None
    assert (usage.memory_bytes, usage.memory_limit_bytes) == (1000, 0)
    assert (usage.cpu_s, usage.processes) == (2.5, 7)
    (root / folder / "memory.max").write_text("4096\n")
    usage = of_groups(found)
    assert usage is not None
    assert usage.memory_limit_bytes == 4096


def test_version_1(tmp_path: Path) -> None:
    below = f"docker/{ID}"
    root = kernel(
        tmp_path,
        {
            f"memory/{below}/memory.usage_in_bytes": "1000\n",
            f"memory/{below}/memory.stat": "inactive_file 0\nactive_file 0\n"
            "total_inactive_file 500\ntotal_active_file 200\n",
            f"memory/{below}/memory.limit_in_bytes": "9223372036854771712\n",
            f"cpuacct/{below}/cpuacct.usage": "1500000000\n",
            f"pids/{below}/pids.current": "1\n",
        },
    )
    lines = (
        f"9:memory:/{below}",
        f"4:cpuacct,cpu:/{below}",
        f"2:pids:/{below}",
        "1:name=x:/",
        "0::/",
    )
    usage = of_groups(shown(root, *lines))
    assert usage is not None
    assert (usage.memory_bytes, usage.memory_limit_bytes, usage.cpu_s) == (300, 0, 1.5)


def test_a_kernel_that_shows_nothing(tmp_path: Path) -> None:
    assert groups(tmp_path, tmp_path, 7, ID) == {}
    # The process of that number is another's: the engine is on another machine.
    assert shown(tmp_path, "0::/docker/" + "b" * 64) == {}
    assert of_groups({}) is None
    assert shown(tmp_path, "nonsense") == {}
    kernel(tmp_path, {f"docker/{ID}/memory.current": "no number"})
    assert of_groups(shown(tmp_path, f"0::/docker/{ID}")) is None


@given(
    st.fixed_dictionaries(
        {"usage": st.integers(0, 1 << 62), "limit": st.integers(0, 1 << 63)},
        optional={"stats": st.dictionaries(st.text(), st.integers(0, 1 << 40))},
    )
)
def test_statistics_of_any_engine(memory: dict[str, Any]) -> None:
    usage = of_statistics({"memory_stats": memory, "cpu_stats": {}, "pids_stats": {}})
    assert usage is not None
    assert 0 <= usage.memory_bytes <= memory["usage"]
    assert usage.cpu_s == 0


@pytest.mark.parametrize("version", ["", "total_"])
def test_files_that_are_read_again_and_again_are_no_memory_in_use(version: str) -> None:
    counted = {"active_file": 0, f"{version}inactive_file": 20, f"{version}active_file": 700}
    usage = of_statistics({"memory_stats": {"usage": 1000, "stats": counted}})
    assert usage is not None
    assert usage.memory_bytes == 280


def test_statistics_of_a_container_that_does_not_run() -> None:
    assert of_statistics({"memory_stats": {}, "pids_stats": {}, "cpu_stats": {}}) is None
    assert of_statistics({}) is None


def test_a_folder_that_is_no_mount(tmp_path: Path) -> None:
    assert of_mount(tmp_path) is None
    assert of_mount(tmp_path / "missing") is None
    assert of_mount(Path("/proc")) is not None


def smi(folder: Path, script: str) -> str:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_gpus_are_asked_seldom(tmp_path: Path) -> None:
    clock = [0.0]
    asked = tmp_path / "asked"
    program = smi(tmp_path, f"echo >> {asked}; echo '100, 50'; echo '300, 0'")
    gpus = Gpus(program, now=lambda: clock[0])
    assert gpus.read(0) == (0, None)
    assert not asked.exists()
    assert gpus.read(1) == (100 << 20, 0.5)
    assert gpus.read(2) == gpus.read(-1) == (400 << 20, 0.25)
    assert asked.read_text().count("\n") == 1
    clock[0] = 6
    gpus.read(1)
    assert asked.read_text().count("\n") == 2


@pytest.mark.parametrize("script", ["exit 9", "echo '[N/A], [N/A]'", "echo a,b,c", "true"])
def test_gpus_that_can_not_be_read(tmp_path: Path, script: str) -> None:
    assert Gpus(smi(tmp_path, script)).read(1) == (0, None)
    assert Gpus(str(tmp_path / "missing")).read(1) == (0, None)


@pytest.mark.engine
def test_an_engine_whose_kernel_is_out_of_sight(workshop: Workshop, tmp_path: Path) -> None:
    box = workshop.sandboxes
    volumes = Volumes(lambda: box.client, box.home_id, "", "plain")
    meter = Meter(lambda: box.client, volumes, processes=tmp_path)
    spec = workshop.spec(
        "remote", "python3 -c 'x = bytearray(60 << 20); import time; time.sleep(60)'"
    )
    box.start(spec)
    container = box.container_name(spec.name)
    end = time.monotonic() + 60
    while True:
        usage = meter.read(container)
        assert usage is not None
        if usage.memory_bytes > 60 << 20:
            break
        assert time.monotonic() < end, usage
    near = box.usage(spec.name)
    assert near is not None
    assert near.memory_bytes == pytest.approx(usage.memory_bytes, rel=0.05)
    assert near.memory_limit_bytes == usage.memory_limit_bytes == 256 << 20
    assert (usage.disk_bytes, usage.disk_limit_bytes) == (0, 0)
    box.stop(spec.name, grace_s=0)
    assert meter.read(container) is None


@pytest.mark.engine
def test_the_keeper_sees_into_a_mounted_workspace(workshop: Workshop) -> None:
    box = workshop.sandboxes
    script = "head -c 52428800 /dev/zero > big; sync; echo written; read x; sleep 60"
    spec = workshop.spec("kept", script, limits=Limits(memory_mb=128, workspace_mb=100))
    box.start(spec)
    container = box.container_name(spec.name)
    assert next(iter(box.follow(spec.name))) == "written\n"
    told = box._volumes.used(container)
    found = box.client.inspect_container(container)
    seen = of_mount(Path(found["Mounts"][0]["Source"]))
    assert told is not None
    if seen is not None and os.geteuid() == 0:
        assert told[0] == pytest.approx(seen[0], abs=2 << 20)
        assert told[1] == pytest.approx(seen[1], abs=2 << 20)
    assert 50 << 20 < told[0] < 55 << 20
