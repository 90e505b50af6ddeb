"""Containers that the battery makes for its own ends: hostile writers beside the sandboxes.

Whatever hostile runs, runs in one of them; what they may write is a folder of the battery's own.
"""

import io
import os
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcrew.domain.sandbox import Limits, OverlayFile, SandboxSpec
from labcrew.errors import EngineError
from sandboxes import hardening
from sandboxes.client import connect, translated
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.volumes.owners import owner
from tools.toolbox import Workbench

HERE = Path(__file__).parents[2]
KIT = "/workspace/kit"
_LONGEST_S = 300  # a battery that was killed leaves no writer behind for ever
PYTHON = ("env", f"PYTHONPATH={KIT}", "PYTHONDONTWRITEBYTECODE=1", "python3", "-m")


def kit(folder: Path, below: str = "kit") -> tuple[OverlayFile, ...]:
    """The modules of a folder beneath evals/, as files for a container."""
    found = []
    for path in sorted(folder.glob("*.py")):
        place = path.relative_to(HERE)
        found.append(OverlayFile(path=f"{below}/{place}", content=path.read_bytes()))
    return tuple(found)


def marks(home: str, name: str) -> dict[str, str]:
    """Labels of a container that the battery makes past labcrew's own way.

    By them `labcrew clean --orphans` finds what a battery left that was killed.

    Args:
        home: the id of the battery's home.
        name: the container's in that home.
    """
    return {hardening.HOME: home, hardening.NAME: name, hardening.OWNER: owner(None)}


@contextmanager
def sandbox(
    bench: Workbench, name: str, files: Sequence[OverlayFile], memory_mb: int = 1024
) -> Iterator[str]:
    """A tool container of labcrew's own, with files in it; its name."""
    made = f"{name}-{uuid.uuid4().hex[:6]}"
    spec = SandboxSpec(
        name=made,
        purpose="tools",
        ticket="attack",
        image=bench.base_image,
        command=(),
        limits=Limits(memory_mb=memory_mb, pids=256, timeout_s=900),
    )
    bench.sandboxes.start(spec)
    try:
        bench.sandboxes.write_files(made, tuple(files))
        yield made
    finally:
        bench.sandboxes.remove(made)


def done(bench: Workbench, box: str, command: tuple[str, ...], timeout_s: float = 120) -> str:
    """What a command in a tool container prints. Raises EngineError where it fails."""
    result = bench.sandboxes.exec(box, command, timeout_s=timeout_s)
    if result.exit_code != 0 or result.timed_out:
        raise EngineError(f"The battery's own {command[-4:]} failed: {result.stderr[-600:]}")
    return result.stdout


@contextmanager
def writer(
    bench: Workbench,
    folder: Path,
    module: Path,
    command: tuple[str, ...],
    *,
    read_only: bool = False,
) -> Iterator[Any]:
    """A container that runs beside the readers and shares one folder of the host with them.

    Args:
        folder: on the host; in the container it has the same path.
        module: the folder of modules that it gets.
        command: what it runs, as the person who runs the battery.
        read_only: whether it may only look.

    Yields:
        A function that waits for its end and answers exit code and output.
    """
    client: Any = connect()
    name = f"labcrew-attack-{uuid.uuid4().hex[:10]}"
    host = client.create_host_config(
        binds={str(folder): {"bind": str(folder), "mode": "ro" if read_only else "rw"}},
        network_mode="none",
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit="1g",
        pids_limit=128,
        tmpfs={"/workspace": "exec,mode=1777", "/tmp": "exec,mode=1777"},
    )
    try:
        with translated(f"run {name}"):
            client.create_container(
                bench.base_image,
                name=name,
                entrypoint=["timeout", str(_LONGEST_S), *command],
                command=[],
                user=f"{os.getuid()}:{os.getgid()}",
                host_config=host,
                working_dir="/",
                environment={"PYTHONPATH": "/kit", "PYTHONDONTWRITEBYTECODE": "1"},
                labels=marks(docker_of(bench).home_id, name),
            )
            client.put_archive(name, "/", packed({file.path: file.content for file in kit(module)}))
            client.start(name)

        def ended(timeout_s: float = 60) -> tuple[int, str]:
            with translated(f"wait for {name}"):
                code = int(client.wait(name, timeout=timeout_s)["StatusCode"])
                return code, client.logs(name).decode("utf-8", "replace")

        yield ended
    finally:
        with translated(f"remove {name}"):
            client.remove_container(name, force=True, v=True)
        client.close()


def packed(files: dict[str, bytes]) -> bytes:
    """A tar of files, path by path."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def docker_of(bench: Workbench) -> DockerSandboxes:
    """The bench's containers, which are the engine's."""
    assert isinstance(bench.sandboxes, DockerSandboxes), "the battery attacks a real engine"
    return bench.sandboxes
