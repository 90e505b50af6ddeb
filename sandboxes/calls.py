"""Short commands in a started container, with their limits kept from outside it.

A call carries a mark in its environment by which its processes are found and killed at its
deadline, background ones too. A process that shed the mark is seen by the engine's process list,
and then the container is started anew: its workspace stays, everything that ran in it ends.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import RunResult
from labcrew.errors import EngineError, EngineUnavailable, OutcomeUnknown
from sandboxes.client import translated
from sandboxes.streams import Output, Stream
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

OUTPUT_BYTES = 4 << 20  # of each stream of a call
_MARK = "LABCREW_CALL"
_KILL = (
    "for round in 1 2 3 4 5 6 7 8 9 10; do found=; for process in /proc/[0-9]*; do"
    ' if tr "\\0" "\\n" <"$process/environ" 2>/dev/null | grep -qx "$1"; then'
    ' found=1; kill -9 "${process#/proc/}" 2>/dev/null; fi; done;'
    ' [ -n "$found" ] || exit 0; done'
)


class Calls:
    """Runs commands in containers.

    Args:
        client: the engine.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._active: dict[str, int] = {}
        self._resident: dict[str, frozenset[str]] = {}

    def run(
        self, container: str, command: tuple[str, ...], *, stdin: bytes, timeout_s: float
    ) -> RunResult:
        """Runs a command to its end or its deadline; nothing of it runs on afterwards.

        Raises EngineError if the container does not run, OutcomeUnknown if the engine is lost.
        """
        mark = uuid.uuid4().hex
        with self._lock:
            alone = self._active.get(container, 0) == 0
            self._active[container] = self._active.get(container, 0) + 1
        try:
            if alone and container not in self._resident:
                self._resident[container] = self._processes(container)
            with translated(f"run a command in {container}"):
                result = self._run(container, command, mark, stdin, timeout_s)
        except EngineUnavailable as error:
            raise OutcomeUnknown(f"The engine was lost while {container} ran a command") from error
        finally:
            with self._lock:
                self._active[container] -= 1
        self._sweep(container, mark, killed=result.timed_out)
        return result

    def forget(self, container: str) -> None:
        """Drops what is known of a container that was removed."""
        with self._lock:
            self._resident.pop(container, None)
            self._active.pop(container, None)

    def _run(
        self, container: str, command: tuple[str, ...], mark: str, stdin: bytes, timeout_s: float
    ) -> RunResult:
        began = time.monotonic()
        created: dict[str, Any] = self._client.exec_create(
            container, list(command), stdin=True, environment={_MARK: mark}
        )
        call = created["Id"]
        output = Output(cap=OUTPUT_BYTES)
        deadline = began + timeout_s
        stream = Stream(self._client, f"/exec/{call}/start", {"Detach": False, "Tty": False})
        try:
            stream.exchange(output, stdin=stdin, deadline=deadline)
        finally:
            stream.close()
        code = self._exit_code(call, deadline)
        if code is None:
            output.timed_out = True
            self._kill(container, mark)
            code = self._exit_code(call, time.monotonic() + 2)
        if code is None:
            self._restart(container)
        return RunResult(
            exit_code=137 if code is None else code,
            stdout=clean(bytes(output.stdout)),
            stderr=clean(bytes(output.stderr)),
            timed_out=output.timed_out,
            truncated=output.truncated,
            duration_s=round(time.monotonic() - began, 3),
        )

    def _exit_code(self, call: str, deadline: float) -> int | None:
        """The call's exit code; None if it still runs at the deadline."""
        pause = 0.002
        while True:
            found: dict[str, Any] = self._client.exec_inspect(call)
            if not found["Running"]:
                code = found["ExitCode"]
                if code is None:
                    raise OutcomeUnknown("The engine lost a command before it ended")
                return int(code)
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(0.1, pause * 2)

    def _sweep(self, container: str, mark: str, *, killed: bool) -> None:
        """Ends what a call left behind, when no other call is under way."""
        for attempt in range(4):
            with self._lock:
                if self._active.get(container, 0) > 0 or container not in self._resident:
                    return
                resident = self._resident[container]
            if not self._processes(container) - resident:
                return
            if attempt == 0 and not killed:
                self._kill(container, mark)
            time.sleep(0.05 * attempt)
        self._restart(container)

    def _kill(self, container: str, mark: str) -> None:
        with translated(f"end a command in {container}"):
            created = self._client.exec_create(
                container, ["/bin/sh", "-c", _KILL, "kill", f"{_MARK}={mark}"], stdin=False
            )
            self._client.exec_start(created["Id"], detach=True)
            end = time.monotonic() + 5
            while time.monotonic() < end and self._client.exec_inspect(created["Id"])["Running"]:
                time.sleep(0.02)

    def _restart(self, container: str) -> None:
        with translated(f"restart container {container}"):
            self._client.restart(container, timeout=0)
        with self._lock:
            self._resident.pop(container, None)

    def _processes(self, container: str) -> frozenset[str]:
        from docker.errors import APIError

        with translated(f"list the processes of {container}"):
            try:
                found: Any = self._client.top(container, "-eo pid")
            except APIError as error:
                if error.status_code == 409 or "is not running" in str(error.explanation):
                    raise EngineError(f"Container {container} does not run") from error
                raise
        return frozenset(line[0] for line in found["Processes"] or [])
