"""Where probes run: labcrew's own containers, and the permissive ones of the control."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from evals.attacks.boxes import docker_of, marks
from labcrew.domain.sandbox import Limits, ReadOnlyInput, RunResult, SandboxSpec
from tools.toolbox import Workbench

if TYPE_CHECKING:
    from docker.api import APIClient

INPUT = "/data/probe-input"
SMALL = Limits(memory_mb=256, pids=64, timeout_s=60, output_mb=4)
# The control's: loose enough for every probe to get through, tight enough for this machine.
_MEMORY, _PIDS = 1 << 30, 600


class Stand:
    """Containers of labcrew's for one part of the battery.

    Args:
        bench: the battery's home.
        folder: holds the file that is given read-only.
    """

    def __init__(self, bench: Workbench, folder: Path) -> None:
        self.sandboxes = docker_of(bench)
        self._image = bench.base_image
        self._given = folder / "given"
        self._given.write_text("given\n")
        self._given.chmod(0o644)

    def spec(
        self, command: tuple[str, ...], limits: Limits = SMALL, *, tools: bool = False
    ) -> SandboxSpec:
        """A container for a command; as a trial's, or as a ticket's tools."""
        return SandboxSpec(
            name=f"attack-{secrets.token_hex(4)}",
            purpose="tools" if tools else "trial",
            ticket="T-0001",
            image=self._image,
            command=command,
            inputs=(ReadOnlyInput(source=self._given, target=INPUT),),
            limits=limits,
        )

    def run(self, command: tuple[str, ...], limits: Limits = SMALL) -> RunResult:
        """A command as a trial, to its end."""
        return self.sandboxes.run(self.spec(command, limits))

    @contextmanager
    def tools(self, limits: Limits = SMALL) -> Iterator[str]:
        """A ticket's tool container; its name."""
        spec = self.spec((), limits, tools=True)
        self.sandboxes.start(spec)
        try:
            yield spec.name
        finally:
            self.sandboxes.remove(spec.name)

    def processes(self, name: str) -> list[str]:
        """The command lines that the engine sees in a container; none if it does not run."""
        return processes(self.sandboxes.client, self.sandboxes.container_name(name))


class Permissive:
    """Root containers as an engine makes them by default, on its bridge.

    Args:
        bench: the battery's home, whose label they carry.
        folder: holds decoys: an engine's socket that is none, a writable input.
    """

    def __init__(self, bench: Workbench, folder: Path) -> None:
        self._sandboxes = docker_of(bench)
        self.client = self._sandboxes.client
        self._image = bench.base_image
        self._folder = folder

    @contextmanager
    def container(self, command: tuple[str, ...] = ("sleep", "infinity")) -> Iterator[str]:
        """A started container; its id."""
        (self._folder / "given").touch()
        body = {
            "Image": self._image,
            "Cmd": list(command),
            "User": "0:0",
            "Env": ["EXAMPLE_API_KEY=decoy"],
            "Labels": marks(self._sandboxes.home_id, "control"),
            "HostConfig": {
                "Init": True,
                "Memory": _MEMORY,
                "MemorySwap": _MEMORY,
                "PidsLimit": _PIDS,
                "ShmSize": _MEMORY,
                "Mounts": [{"Type": "volume", "Target": "/workspace"}],
                "Binds": [
                    f"{self._folder / 'given'}:{INPUT}",
                    f"{self._folder / 'engine.sock'}:/var/run/docker.sock",
                ],
            },
        }
        made: Any = self.client.create_container_from_config(body)  # type: ignore[no-untyped-call]
        try:
            self.client.start(made["Id"])
            yield made["Id"]
        finally:
            self.client.remove_container(made["Id"], force=True, v=True)

    def exec(self, container: str, command: tuple[str, ...]) -> str:
        """A command's output, both streams."""
        call = self.client.exec_create(container, list(command))
        return self.client.exec_start(call["Id"]).decode("utf-8", "replace")


def processes(client: APIClient, container: str) -> list[str]:
    """The command lines that the engine sees in a container."""
    from docker.errors import APIError

    with suppress(APIError):
        found: Any = client.top(container, "-eo pid,args")
        return [" ".join(line[1:]) for line in found["Processes"] or []]
    return []


@contextmanager
def decoys(client: APIClient) -> Iterator[tuple[Path, dict[str, str]]]:
    """What probes knock on: a folder with a false engine's socket, and the addresses of doors.

    All are this process's own; nobody behind them does anything.
    """
    nonce = secrets.token_hex(8)
    with TemporaryDirectory(prefix="labcrew-attack-") as made, closing(_unix(f"\0{nonce}")):
        folder = Path(made)
        folder.chmod(0o755)
        with closing(_unix(str(folder / "engine.sock"))), _listener(client) as address:
            yield folder, {"nonce": nonce, "abstract": nonce, "listener": address}


def _unix(address: str) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    door.bind(address)
    door.listen(16)
    return door


@contextmanager
def _listener(client: APIClient) -> Iterator[str]:
    """A listener on the engine's bridge, where this machine is at its other end."""
    network: Any = client.inspect_network("bridge")
    ranges = network["IPAM"]["Config"] or [{}]
    gateway = ranges[0].get("Gateway") or str(ip_network(ranges[0].get("Subnet", "127.0.0.0/8"))[1])
    try:
        door = socket.create_server((gateway, 0))
    except OSError:
        yield f"{gateway}:9"  # no address of this machine's, but one that would refuse
        return
    with closing(door):
        threading.Thread(target=_answer, args=(door,), daemon=True).start()
        yield f"{gateway}:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


def _answer(door: socket.socket) -> None:
    with suppress(OSError):
        while True:
            door.accept()[0].close()
