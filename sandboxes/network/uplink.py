"""The two containers behind a sandbox that may reach something: its network's holder, and a proxy.

The holder has network "none": its only interface is loopback. The sandbox joins it, so there is no
bridge, no name server and no other container to reach. The proxy stands on the engine's default
network and listens on a socket that the holder made and handed over (inside/proxy/handover.py).
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import Limits, NetworkRequest, SandboxSpec
from labcrew.errors import EngineError
from labcrew.settings import SandboxSettings
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.crossing.tarballs import CREW
from sandboxes.images import base_tag
from sandboxes.network.journal import read_journal
from sandboxes.network.rules import PORT, ProxySettings
from sandboxes.text import clean
from sandboxes.volumes import workspaces

if TYPE_CHECKING:
    from docker.api import APIClient

_INSIDE = "/opt/labcrew/inside"
_READY_S = 60.0
# In memory, one socket's worth, for the sandbox's user; gone with the two containers.
_MEETING = {
    "type": "tmpfs",
    "device": "tmpfs",
    "o": f"size=64k,nr_inodes=16,mode=0700,uid={CREW},gid={CREW},nosuid,nodev,noexec",
}
_LINES = 50_000  # more than a proxy writes
# Runtimes with a kernel of their own have network stacks of their own: nothing can be joined.
_APART = ("runsc", "kata", "gvisor")


class Uplinks:
    """Opens and closes ways out for the sandboxes of one home.

    Args:
        client: the engine.
        home: the home's id.
        owner: whose the home is, as a label.
        settings: how containers are run.
    """

    def __init__(self, client: APIClient, home: str, owner: str, settings: SandboxSettings) -> None:
        self._client, self._home, self._owner = client, home, owner
        self._settings = settings

    def open(self, container: str, name: str, ticket: str, settings: ProxySettings) -> str:
        """The network mode of a sandbox that may reach what the settings say.

        One that is open already is used; one that is half open is made anew.

        Args:
            container: the sandbox's container.
            name: the sandbox's name in the home.
            ticket: whose it is.
            settings: what the proxy lets through.

        Raises EngineError where it does not come up.
        """
        holder, proxy = _names(container)
        running = [self._running(part) for part in (holder, proxy)]
        if all(running):
            return f"container:{running[0]}"
        self.close(container)
        self._refuse_apart()
        serving = self._body(container, name, ticket, f"{_INSIDE}/serve_proxy.py")
        self._start_proxy(proxy, serving, settings)
        holding = self._body(container, name, ticket, f"{_INSIDE}/hold_network.py {PORT}")
        with translated(f"start {holder}"):
            self._client.create_container_from_config(holding, holder)  # type: ignore[no-untyped-call]
            self._client.start(holder)
        self._wait(proxy, holder)
        return f"container:{self._running(holder)}"

    def requests(self, container: str) -> tuple[NetworkRequest, ...]:
        """What the sandbox asked for so far; nothing if it has no way out."""
        _, proxy = _names(container)
        return read_journal(self._log(proxy))

    def close(self, container: str) -> None:
        """Removes a sandbox's way out; nothing if it has none."""
        for part in _names(container):
            workspaces.remove_container(self._client, part)
        workspaces.remove_volume(self._client, _volume(container))

    def _start_proxy(self, proxy: str, body: dict[str, Any], settings: ProxySettings) -> None:
        body |= {"OpenStdin": True, "StdinOnce": True, "AttachStdin": True}
        servers = [str(server) for server in self._settings.name_servers]
        body["HostConfig"] |= {"NetworkMode": "bridge", "Dns": servers}
        with translated(f"start {proxy}"):
            self._client.create_container_from_config(body, proxy)  # type: ignore[no-untyped-call]
            # On standard input: so it stands in no file, variable or label.
            stream: Any = self._client.attach_socket(proxy, {"stdin": 1, "stream": 1})
            plain: socket.socket = getattr(stream, "_sock", stream)
            try:
                self._client.start(proxy)
                plain.sendall(settings.model_dump_json().encode())
                plain.shutdown(socket.SHUT_WR)
            finally:
                plain.close()
                stream._response.close()

    def _body(self, container: str, name: str, ticket: str, program: str) -> dict[str, Any]:
        spec = SandboxSpec(
            name=name,
            purpose="network",
            ticket=ticket,
            image=base_tag(),
            command=("/opt/labcrew/bin/python", *program.split()),
            limits=Limits(cpus=1, memory_mb=512, pids=128, timeout_s=30 * 86400, output_mb=8),
        )
        driver = {"Name": "local", "Options": _MEETING}
        body = hardening.body(
            self._home, spec, _volume(container), driver=driver, owner=self._owner
        )
        # Even "none" is a network that can be joined, and its holder's /etc/hosts comes along.
        return body | {"NetworkDisabled": False}

    def _wait(self, proxy: str, holder: str) -> None:
        end = time.monotonic() + _READY_S
        while b'"ready"' not in self._log(proxy, tail=1):
            late = time.monotonic() > end
            if late or not self._running(proxy) or not self._running(holder):
                said = self._log(proxy, tail=9, stderr=True) + self._log(
                    holder, tail=9, stderr=True
                )
                raise EngineError(f"The network proxy {proxy} did not come up:\n{clean(said)}")
            time.sleep(0.02)

    def _running(self, container: str) -> str:
        """The container's id, if it runs."""
        from docker.errors import NotFound as Missing

        with translated(f"look at container {container}"):
            try:
                found: Any = self._client.inspect_container(container)
            except Missing:
                return ""
        return str(found["Id"]) if found["State"]["Running"] else ""

    def _log(self, container: str, *, tail: int = _LINES, stderr: bool = False) -> bytes:
        from docker.errors import NotFound as Missing

        with translated(f"read the log of {container}"):
            try:
                found: bytes = self._client.logs(container, stderr=stderr, tail=tail)
            except Missing:
                return b""
        return found

    def _refuse_apart(self) -> None:
        with translated("ask for the engine's runtime"):
            runtime = str(self._client.info().get("DefaultRuntime", ""))
        check_runtime(self._settings.runtime or runtime)


def check_runtime(runtime: str) -> None:
    """Raises EngineError for a runtime in which a sandbox can't join a network's holder."""
    if any(word in runtime.lower() for word in _APART):
        raise EngineError(
            f"A sandbox that reaches something can't run under {runtime}: it has a network stack"
            " of its own, which can't be joined to the proxy's",
            "Take `hosts` out and name an image that the engine has (environment.image), or leave"
            " the setting sandbox.runtime empty.",
        )


def _names(container: str) -> tuple[str, str]:
    return f"{container}.holder", f"{container}.proxy"


def _volume(container: str) -> str:
    return f"{container}.uplink"
