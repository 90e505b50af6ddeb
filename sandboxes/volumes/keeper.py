"""A home's keeper: the container that keeps its workspaces' file systems and their loop devices.

It lives as long as this process: the engine ends it when the connection to its input is gone. What
it does is in keeping.py. It has no network, no capability and a read-only root; of the host's
devices only the loop devices are open to it.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import uuid
import weakref
from contextlib import suppress
from errno import EACCES, ENOSPC, EPERM
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.errors import EngineError, OutcomeUnknown, StorageFull
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.crossing.tarballs import CREW
from sandboxes.images import base_tag
from sandboxes.volumes.workspaces import remove_container, remove_volume

if TYPE_CHECKING:
    from docker.api import APIClient

_ANSWER_S = 120
PLAIN = (
    'Set sandbox.volumes = "plain" to work without caps; `labcrew doctor` says what that weakens.'
)


class Keeper:
    """Asks the home's keeper, started at the first question and again whenever it was lost.

    Args:
        client: the engine.
        home_id: the home's id.
        owner: who the home belongs to, as a label (see owners.py).
    """

    def __init__(self, client: APIClient, home_id: str, owner: str) -> None:
        self._client = client
        self._home, self._owner = home_id, owner
        self._lock = threading.RLock()
        self._line: _Line | None = None
        self._folder = ""
        self._finalizer: weakref.finalize[[], Keeper] | None = None

    @property
    def volume(self) -> str:
        """The volume that the image files lie in."""
        return f"labcrew-{self._home}-disks"

    @property
    def folder(self) -> str:
        """Where the engine has that volume: a path on its host."""
        return self._folder

    @property
    def name(self) -> str:
        """The keeper's container; nothing if there is none now."""
        return self._line.container if self._line is not None else ""

    def has_any(self) -> bool:
        """Whether it runs, or its volume is there: else it has nothing to answer for."""
        return self._line is not None or self._has_volume()

    def ask(self, do: str, **given: object) -> Any:
        """One question to the keeper, repeated once if the keeper was lost meanwhile.

        Args:
            do: make, hold, drop, usage, used or names; each may be repeated without harm.
            given: its arguments.

        Raises:
            StorageFull: the engine's disk is full.
            EngineError: no workspace can be capped here; or the keeper refused.
        """
        with self._lock:
            for last in (False, True):
                if self._line is None or not self._line.stands():
                    self._start()
                try:
                    assert self._line is not None
                    return _checked(self._line.exchange({"do": do, **given}))
                except OutcomeUnknown:
                    self._drop_line()
                    if last:
                        raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Ends the keeper, and its volume if that is empty; a later question starts anew."""
        with self._lock:
            if self._line is None:
                return
            empty = False
            with suppress(EngineError, StorageFull):  # asked of a new one if ours was lost
                empty = self.ask("names") == []
            id = self._line.id if self._line is not None else ""
            self._drop_line()
            with suppress(EngineError):
                if id:
                    remove_container(self._client, id)
                if empty:
                    remove_volume(self._client, self.volume)

    def _drop_line(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._line = None

    def _start(self) -> None:
        self._drop_line()
        marks = {hardening.KEEPER: self._home, hardening.OWNER: self._owner}
        new = not self._has_volume()
        with translated("make the volume of workspaces"):
            made = self._client.create_volume(self.volume, driver="local", labels=marks)
        self._folder = str(made["Mountpoint"])
        container = f"labcrew-{self._home}-keeper-{uuid.uuid4().hex[:8]}"
        with translated(f"start the keeper {container}"):
            created = self._client.create_container_from_config(self._body(marks), container)  # type: ignore[no-untyped-call]
            line = _Line(self._client, container, created["Id"])
            self._finalizer = weakref.finalize(self, line.close)
            self._line = line
            self._client.start(container)
        answer = line.exchange(None)
        if "error" not in answer:
            return
        self._drop_line()
        with suppress(EngineError):
            remove_container(self._client, line.id)
            if new:
                remove_volume(self._client, self.volume)
        if answer["errno"] in {EPERM, EACCES} or "loop-control" in answer["error"]:
            raise EngineError(
                f"This engine can't cap workspaces: it has no loop devices for us"
                f" ({answer['error']})",
                PLAIN,
            )
        _checked(answer)

    def _has_volume(self) -> bool:
        from docker.errors import NotFound as Missing

        with translated("look for the volume of workspaces"):
            try:
                self._client.inspect_volume(self.volume)
            except Missing:
                return False
        return True

    def _body(self, marks: dict[str, str]) -> dict[str, Any]:
        source = (Path(__file__).parent / "keeping.py").read_text(encoding="utf-8")
        devices = {"Propagation": "rprivate", "NonRecursive": True}
        host: dict[str, Any] = {
            "AutoRemove": True,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", f"seccomp={hardening.seccomp()}"],
            "DeviceCgroupRules": ["b 7:* rw", "c 10:237 rw"],
            "UsernsMode": "host",  # where the engine maps users, its root may not open devices
            "Memory": 256 << 20,
            "MemorySwap": 256 << 20,
            "PidsLimit": 32,
            "Init": True,
            "IpcMode": "private",
            "LogConfig": {"Type": "none"},
            "Mounts": [
                {"Type": "volume", "Source": self.volume, "Target": "/disks"},
                {
                    "Type": "bind",
                    "Source": "/dev",
                    "Target": "/host-dev",
                    "ReadOnly": True,
                    "BindOptions": devices,
                },
            ],
        }
        return {
            "Image": base_tag(),
            "Entrypoint": ["python3", "-I", "-u", "-c", source, str(CREW)],
            "User": "0:0",
            "WorkingDir": "/",
            "Labels": marks,
            "NetworkDisabled": True,
            "OpenStdin": True,
            "StdinOnce": True,  # so that it ends with this process, however that ends
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": host,
        }


class _Line:
    """The open connection to a keeper's input and output, a JSON object a line.

    Args:
        client: the engine.
        container: the keeper's name.
        id: what it is removed by: the engine, which removes it too, takes its name first.
    """

    def __init__(self, client: APIClient, container: str, id: str) -> None:
        self.container, self.id = container, id
        query = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        raw: Any = client.attach_socket(container, query)
        self._raw = raw
        self._socket: socket.socket = getattr(raw, "_sock", raw)
        self._socket.setblocking(True)
        self._socket.settimeout(_ANSWER_S)
        self._out, self._said = bytearray(), bytearray()

    def stands(self) -> bool:
        """Whether the other side is there: nothing is to be read between two questions."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable

    def exchange(self, question: dict[str, object] | None) -> dict[str, Any]:
        """Asks (None: only listens) and waits for the answer. Raises OutcomeUnknown."""
        try:
            if question is not None:
                self._socket.sendall(json.dumps(question).encode() + b"\n")
            while b"\n" not in self._out:
                stream, size = struct.unpack(">BxxxL", self._exactly(8))
                (self._out if stream == 1 else self._said).extend(self._exactly(size))
        except OSError as error:
            said = bytes(self._said[-500:]).decode("utf-8", "replace").strip()
            raise OutcomeUnknown(
                f"The keeper of workspaces, {self.container}, was lost: {said or error}"
            ) from error
        text, _, rest = bytes(self._out).partition(b"\n")
        self._out = bytearray(rest)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._raw._response.close()

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise ConnectionResetError("its output ended")
            data += part
        return bytes(data)


def _checked(answer: dict[str, Any]) -> Any:
    if "error" not in answer:
        return answer["done"]
    if answer["errno"] == ENOSPC:
        raise StorageFull(
            "The Docker engine's disk is full: no workspace can be made",
            "Free some (`labcrew clean`, `docker system df`) and resume the ticket.",
        )
    raise EngineError(f"The keeper of workspaces refused: {answer['error']}")
