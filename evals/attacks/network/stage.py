"""What the battery itself starts, to be knocked on: nothing of it is outside this machine."""

from __future__ import annotations

import json
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.api import APIClient

from evals.attacks.boxes import marks, packed
from evals.attacks.network.distribution import hostile_distribution
from labcrew.errors import EngineError
from sandboxes.client import translated
from sandboxes.images import base_tag
from sandboxes.volumes.workspaces import remove_container

PORTS = (22, 80, 443, 2375, 3128, 5432, 8080)
INDEX = 8081
USER = "crew"
ZONE = "attack.test"
INSIDE = Path(__file__).parent / "inside"
_PYTHON = "/opt/labcrew/bin/python"
_NAMES = ("allowed", "other", "wild", "xwild", "evilallowed", "allowed.attack.test.other", "inner")
# Nothing of the battery's own could stand for these: not even the control knocks there.
_NO_STAND_IN = ("metadata-ipv6", "broadcast", "multicast", "multicast-ipv6")
# A build is root and may open them; there is nothing but loopback to send on.
_ROOTS = ("raw-socket", "packet-socket")
_LOOK_ALIKE = "xn--llowed-6ve"


@dataclass
class Stage:
    """The listener's container, a listener on the bridge's gateway, and what they received.

    Args:
        client: the engine.
        home: the home whose label everything carries.
        seed: what this run's marks are made from.
        password: the index's, which no sandbox may see.
    """

    client: APIClient
    home: str
    seed: str = field(default_factory=lambda: secrets.token_hex(8))
    password: str = field(default_factory=lambda: f"LABTOKEN-{secrets.token_hex(12)}")
    other: str = ""
    gateway: str = ""
    gateway_port: int = 9
    heard: set[str] = field(default_factory=set)

    @property
    def container(self) -> str:
        """The listener's container."""
        return f"labcrew-{self.home}-attack-listener"

    def received(self) -> set[str]:
        """The marks that arrived anywhere, so far."""
        time.sleep(1.5)  # a listener tells when its connection has been quiet
        with translated("read what the listener received"):
            log: bytes = self.client.logs(self.container)
        return self.heard | set(log.decode("ascii", "replace").split())

    def settings(self, situation: str, *sections: str, control: bool = False) -> dict[str, Any]:
        """What the probes are told.

        Args:
            situation: names the sandbox; a part of each mark.
            sections: which probes.
            control: addresses outside this machine are replaced by the listener's.
        """
        return {
            "seed": f"{self.seed}{'/control' * control}",
            "situation": situation,
            "sections": sections,
            "outside": self.other if control else "192.0.2.1",
            "outside6": f"::ffff:{self.other}" if control else "2001:db8::1",
            "metadata": self.other if control else "169.254.169.254",
            "gateway": self.gateway,
            "gateway_port": self.gateway_port,
            "other": self.other,
            "proxy": ["127.0.0.1", 3128],
            "skip": _NO_STAND_IN if control else _ROOTS if situation == "dockerfile" else (),
        }


@contextmanager
def staged(client: APIClient, home: str) -> Iterator[Stage]:
    """Starts the listeners; removes them at the end. Raises EngineError."""
    stage = Stage(client, home)
    with ExitStack() as stack:
        stack.enter_context(_on_gateway(stage))
        stack.callback(remove_container, client, stage.container)
        # A first start gives the container its address, which the names are then made of.
        start(stage, stage.container, ("sleep", "infinity"), {})
        stage.other = address(client, stage.container)
        remove_container(client, stage.container)
        start(
            stage,
            stage.container,
            (_PYTHON, "/srv/listener.py", "/srv/settings.json"),
            {
                "listener.py": (INSIDE / "listener.py").read_bytes(),
                "settings.json": json.dumps(_listening(stage)).encode(),
                "hostile-1.0.tar.gz": hostile_distribution(
                    stage.settings("install", "direct", "index", "secrets")
                ),
            },
            ready=True,
        )
        if address(client, stage.container) != stage.other:
            raise EngineError("The battery's listener has another address than it had")
        yield stage


def start(
    stage: Stage,
    container: str,
    command: tuple[str, ...],
    files: dict[str, bytes],
    *,
    ready: bool = False,
    environment: tuple[str, ...] = (),
    host: dict[str, Any] | None = None,
) -> None:
    """Starts a container of the battery's own on the default bridge.

    Args:
        stage: whose.
        container: its name.
        command: what it runs.
        files: put in /srv.
        ready: wait until it prints "ready".
        environment: its variables.
        host: more of the engine's host settings.
    """
    body = {
        "Image": base_tag(),
        "Entrypoint": list(command),
        "User": "10001:10001",
        "Env": list(environment),
        "WorkingDir": "/srv",
        "Labels": marks(stage.home, container.rpartition(f"{stage.home}-")[2]),
        "HostConfig": {"NetworkMode": "bridge", "Init": True, "Memory": 512 << 20} | (host or {}),
    }
    with translated(f"start {container}"):
        stage.client.create_container_from_config(body, container)  # type: ignore[no-untyped-call]
        stage.client.put_archive(container, "/srv", packed(files))
        stage.client.start(container)
        end = time.monotonic() + 30
        while ready and b"ready" not in stage.client.logs(container, tail=5):
            if time.monotonic() > end:
                said = stage.client.logs(container, tail=5).decode("utf-8", "replace")
                raise EngineError(f"{container} did not come up: {said}")
            time.sleep(0.05)


def address(client: APIClient, container: str) -> str:
    """A container's address on the bridge."""
    with translated(f"look at {container}"):
        found: Any = client.inspect_container(container)
    return str(found["NetworkSettings"]["IPAddress"])


def probe_files() -> dict[str, bytes]:
    """The programs that probe, by name."""
    names = ("probes.py", "knock.py", "direct.py", "proxied.py", "indexed.py", "secrets_seen.py")
    return {name: (INSIDE / name).read_bytes() for name in names}


def _listening(stage: Stage) -> dict[str, Any]:
    names: dict[str, list[str]] = {f"{name}.{ZONE}": [stage.other] for name in _NAMES}
    names |= {
        f"{_LOOK_ALIKE}.{ZONE}": [stage.other],
        f"loop.{ZONE}": ["127.0.0.1"],
        f"linklocal.{ZONE}": ["169.254.77.77"],
        f"mapped.{ZONE}": [f"::ffff:{stage.other}"],
        f"mixed.{ZONE}": [stage.other, "127.0.0.1"],
        f"rebind.{ZONE}": [stage.other, "127.0.0.1"],
    }
    password = f"{USER}:{stage.password}"
    return {"ports": PORTS, "index": INDEX, "names": names, "password": password}


@contextmanager
def _on_gateway(stage: Stage) -> Iterator[None]:
    """Listens on the bridge's own address, where the engine is this machine's."""
    with translated("look at the engine's bridge"):
        found: Any = stage.client.inspect_network("bridge")
    stage.gateway = found["IPAM"]["Config"][0].get("Gateway") or "172.17.0.1"
    with ExitStack() as stack:
        with suppress(OSError):
            stream = stack.enter_context(socket.create_server((stage.gateway, 0)))
            stage.gateway_port = stream.getsockname()[1]
            datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            datagrams.bind((stage.gateway, stage.gateway_port))
            for one in (stream, datagrams):
                one.settimeout(0.5)
            over = threading.Event()
            threads = [
                threading.Thread(target=_hear, args=(stage, one, over))
                for one in (stream, datagrams)
            ]
            for thread in threads:
                thread.start()
                stack.callback(thread.join)
            stack.callback(over.set)
        yield


def _hear(stage: Stage, one: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        with suppress(OSError):
            data = b""
            if one.type == socket.SOCK_DGRAM:
                data = one.recv(4096)
            else:
                other, _ = one.accept()
                with other:
                    other.settimeout(2)
                    data = other.recv(4096)
            stage.heard |= {mark.decode() for mark in re.findall(rb"lcx[0-9a-f]{12}", data)}
