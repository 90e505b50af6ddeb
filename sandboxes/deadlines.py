"""Deadlines of containers, kept from the host whether or not anybody watches a run.

While labcrew lives a thread keeps them. Beside it waits a small process whose input is a pipe from
labcrew: when that ends, however labcrew ended, the process loads what it needs and keeps the
deadlines of what still runs, until nothing does. So a run outlives its time by seconds, not until
somebody starts labcrew again.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.errors import EngineError, LabcrewError
from sandboxes import hardening
from sandboxes.client import connect, translated
from sandboxes.states import engine_time

if TYPE_CHECKING:
    from docker.api import APIClient

_SLACK_S = 1.0  # whoever watches a run ends it first, and knows why
_GRACE_S = 2
_AGAIN_S = 5.0
_ENGINE_AWAY_S = 600.0
_WAIT = (
    "import os, sys\n"
    "if os.fork(): os._exit(0)\n"
    "if sys.stdin.buffer.read(): os._exit(0)\n"  # told that nothing runs any more
    "sys.path.insert(0, sys.argv[1])\n"
    "from sandboxes.deadlines import keep_alone\n"
    "keep_alone(sys.argv[2])\n"
)


class Deadlines:
    """The deadlines of one home's running containers, by a clock that nobody moves.

    Args:
        client: the engine.
        home: the home's id; no other home's container is ever stopped.
    """

    def __init__(self, client: APIClient, home: str) -> None:
        self._client, self._home = client, home
        self._due: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, container: str, left_s: float) -> None:
        """Stops the container that many seconds from now, if it runs then.

        What was said of an earlier one of that name counts no more.
        """
        with self._lock:
            self._due[container] = time.monotonic() + left_s + _SLACK_S

    def forget(self, container: str) -> None:
        """Takes back what was added under that name."""
        with self._lock:
            self._due.pop(container, None)

    def adopt(self) -> int:
        """Adds the home's containers that run already; answers how many. Raises EngineError.

        Proxies have no deadline: they end with the sandbox that they serve.
        """
        with translated("look for running containers"):
            marks = {"label": [f"{hardening.HOME}={self._home}"], "status": "running"}
            found: list[dict[str, Any]] = self._client.containers(filters=marks)
            now = engine_time(str(self._client.info()["SystemTime"])) or datetime.now(UTC)
        found = [item for item in found if item["Labels"].get(hardening.PURPOSE) != "network"]
        for item in found:
            # By its id: another one may get its name. What is known stays as it was first counted.
            state = self._state(item["Id"])
            limit = float(item["Labels"].get(hardening.TIMEOUT) or "inf")
            if state is None or limit == float("inf"):
                continue
            started = engine_time(state["StartedAt"]) or now
            left = min(limit, max(0.0, limit - (now - started).total_seconds()))
            with self._lock:
                self._due.setdefault(item["Id"], time.monotonic() + left + _SLACK_S)
        return len(found)

    def keep(self) -> float:
        """Stops what is due; answers the seconds until something is. Raises EngineError."""
        while True:
            with self._lock:
                container, due = min(
                    self._due.items(), key=lambda item: item[1], default=("", float("inf"))
                )
            if (left := due - time.monotonic()) > 0:
                return left
            state = self._state(container)
            if state is not None and state["Running"]:
                with translated(f"stop {container} at its deadline"):
                    self._client.stop(container, timeout=_GRACE_S)
            with self._lock:
                if self._due.get(container) == due:  # else another one has the name meanwhile
                    del self._due[container]

    def _state(self, container: str) -> dict[str, Any] | None:
        from docker.errors import NotFound

        with translated(f"look at container {container}"):
            try:
                found: dict[str, Any] = self._client.inspect_container(container)
            except NotFound:
                return None
        labels = found["Config"]["Labels"] or {}
        state: dict[str, Any] = found["State"]
        return state if labels.get(hardening.HOME) == self._home else None


class Watch:
    """Keeps a home's deadlines in a thread, and leaves a process behind that goes on with them.

    Args:
        client: the engine.
        home: the home's id.
    """

    def __init__(self, client: APIClient, home: str) -> None:
        self._deadlines = Deadlines(client, home)
        self._changed = threading.Event()
        self._ended = threading.Event()
        arguments = (self._deadlines, self._changed, self._ended)
        self._thread = threading.Thread(target=_keep, args=arguments, daemon=True, name="deadlines")
        self._thread.start()
        self._pipe = _heir(home)
        self._finish = weakref.finalize(self, _finish, self._changed, self._ended, self._pipe)

    def add(self, container: str, left_s: float) -> None:
        """Stops the container that many seconds from now, if it runs then."""
        self._deadlines.add(container, left_s)
        self._changed.set()

    def forget(self, container: str) -> None:
        """Takes back what was added under that name: the container is removed."""
        self._deadlines.forget(container)

    def adopt(self) -> None:
        """Takes over what runs already. Raises EngineError."""
        self._deadlines.adopt()
        self._changed.set()

    def close(self) -> None:
        """Ends the thread; what still runs is left to the process, which else ends at once."""
        with suppress(LabcrewError):
            if self._finish.alive and self._deadlines.adopt() == 0:
                os.write(self._pipe, b".")
        self._finish()
        self._thread.join(timeout=_GRACE_S + 10)


def keep_alone(home: str) -> None:
    """Keeps a home's deadlines until nothing of it runs; one process a home does, others leave."""
    with socket.socket(socket.AF_UNIX) as only:
        try:
            only.bind(f"\0labcrew-deadlines-{home}")  # a name that the kernel frees
        except OSError:
            return
        lost_since: float | None = None
        while lost_since is None or time.monotonic() - lost_since < _ENGINE_AWAY_S:
            try:
                client = connect(30)
                deadlines = Deadlines(client, home)
                lost_since = None
                while deadlines.adopt():
                    time.sleep(min(_AGAIN_S, deadlines.keep()))
            except LabcrewError:
                lost_since = lost_since or time.monotonic()
                time.sleep(_AGAIN_S)
            else:
                return


def _keep(deadlines: Deadlines, changed: threading.Event, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            left = deadlines.keep()
        except EngineError:
            left = _AGAIN_S
        changed.wait(min(left, threading.TIMEOUT_MAX))
        changed.clear()


def _heir(home: str) -> int:
    """Starts the process that waits for our end; answers our end of its pipe."""
    theirs, ours = os.pipe()
    root = str(Path(__file__).resolve().parent.parent)
    try:
        subprocess.run(
            [sys.executable, "-c", _WAIT, root, home],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            check=True,
        )
    finally:
        os.close(theirs)
    return ours


def _finish(changed: threading.Event, ended: threading.Event, pipe: int) -> None:
    ended.set()
    changed.set()
    os.close(pipe)
