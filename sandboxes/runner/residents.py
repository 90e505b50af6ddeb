"""The runners of this process's tool containers: each opened when it is first needed, replaced when
it was lost."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import RunResult
from labcrew.errors import EngineError, EngineUnavailable, RunnerLost
from sandboxes.client import translated
from sandboxes.runner.calls import Call
from sandboxes.runner.connection import Connection
from sandboxes.runner.conversation import Conversation
from sandboxes.runner.inside.frames import STDERR, STDOUT
from sandboxes.runner.stream import Attached
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

OUTPUT_BYTES = 4 << 20  # of each stream of a call
_START_S = 30.0


class Residents:
    """Runs calls in tool containers. Any number of threads may call at once.

    Args:
        client: the engine.
        before_start: is told each container before it is started, to make its workspace ready.
    """

    def __init__(
        self, client: APIClient, before_start: Callable[[str], None] = lambda container: None
    ) -> None:
        self._client = client
        self._before_start = before_start
        self._lock = threading.Lock()
        self._doors: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._open: dict[str, Connection] = {}

    def holds(self, container: str) -> bool:
        """Whether this process has the container's runner at hand."""
        return container in self._open

    def door(self, container: str) -> threading.RLock:
        """Held while the container is started, or given another runner."""
        with self._lock:
            return self._doors[container]

    def open(self, container: str) -> Connection:
        """The container's runner; started anew unless this process holds it and it is well.

        Never joins one that runs already: what another process's call left in its streams would
        be taken for an answer.

        Raises EngineError where the container is none that takes calls, RunnerLost.
        """
        with self.door(container):
            connection = self._open.get(container)
            if connection is not None:
                if connection.fresh:
                    return connection
                self._retire(container, connection)
            self._make_ready(container)
            connection = self._started(container)
            with self._lock:
                self._open[container] = connection
            return connection

    def run(
        self, container: str, command: tuple[str, ...], *, stdin: bytes, timeout_s: float
    ) -> RunResult:
        """Runs a command to its end or its deadline; nothing of it runs on afterwards.

        Raises EngineError if the container takes no calls, RunnerLost if how it ended isn't known.
        """
        return _result(self.call(container, command, stdin, timeout_s, OUTPUT_BYTES))

    def call(
        self, container: str, command: tuple[str, ...], stdin: bytes, timeout_s: float, cap: int
    ) -> Call:
        """As `run`; answers the bytes that were printed, as many as `cap` of each stream."""
        return self._ended(
            container, lambda connection: connection.call(command, stdin, timeout_s, cap)
        )

    def converse(
        self,
        container: str,
        command: tuple[str, ...],
        *,
        answer: Callable[[str], str | None],
        stdin: bytes,
        timeout_s: float,
        overall_s: float,
        cap: int = OUTPUT_BYTES,
    ) -> RunResult:
        """Runs a command that may ask; see Conversation. Raises as `run` does, and what ended the
        conversation once the command is ended."""
        asked: list[Conversation] = []

        def converse(connection: Connection) -> Conversation:
            asked.append(
                connection.converse(
                    command, stdin, timeout_s, cap, overall_s=overall_s, answer=answer
                )
            )
            return asked[0]

        ended = self._ended(container, converse)
        if asked[0].error is not None:
            raise asked[0].error
        return _result(ended).model_copy(update={"answered_s": round(asked[0].answered_s, 3)})

    def _ended(self, container: str, under_way: Callable[[Connection], Call]) -> Call:
        connection = self._open.get(container)
        if connection is None or not connection.fresh:
            connection = self.open(container)
        try:
            call = under_way(connection)
        except RunnerLost:
            if connection.why:  # else other calls are under way in it, and may go on
                with suppress(EngineError):  # else the next call finds it so
                    self._retire(container, connection)
            raise
        if not call.ended:
            self._end_overdue(container, connection, call)
        return call

    def forget(self, container: str) -> None:
        """Lets go of a container's runner, which ends it."""
        with self._lock:
            connection = self._open.pop(container, None)
            self._doors.pop(container, None)
        if connection is not None:
            connection.close()
            connection.release()

    def close(self) -> None:
        """Lets go of every runner."""
        for container in tuple(self._open):
            self.forget(container)

    def _end_overdue(self, container: str, connection: Connection, call: Call) -> None:
        """The runner doesn't end a call whose deadline is past: its container does."""
        try:
            self._retire(container, connection)
        except EngineError as error:
            raise RunnerLost(
                f"A call in {container} is past its deadline, and the engine can't end it",
                "Its container is ended before the next call.",
            ) from error
        call.exit_code, call.timed_out = 137, True

    def _retire(self, container: str, connection: Connection) -> None:
        with self._lock:
            if self._open.get(container) is connection:
                del self._open[container]
        connection.close()
        connection.release()
        self._end(container)

    def _make_ready(self, container: str) -> None:
        from docker.errors import NotFound as Missing

        with translated(f"look at container {container}"):
            try:
                found: Any = self._client.inspect_container(container)
            except Missing:
                raise EngineError(f"There is no container {container}") from None
        if not found["Config"].get("StdinOnce"):
            raise EngineError(
                f"Container {container} takes no calls: it was started with a command of its own"
            )
        if found["State"]["Running"]:
            self._end(container)
        self._before_start(container)

    def _end(self, container: str) -> None:
        from docker.errors import APIError

        with translated(f"end the runner of {container}"):
            try:
                self._client.kill(container)
            except APIError as error:
                if error.status_code not in (404, 409):  # it is gone, or doesn't run
                    raise
            else:
                self._client.wait(container, timeout=30)

    def _started(self, container: str) -> Connection:
        with translated(f"start container {container}"):
            stream = Attached.to(self._client, container)
        connection = Connection(container, stream)
        try:
            with translated(f"start container {container}"):
                self._client.start(container)
            connection.greet(_START_S)
        except BaseException as error:
            connection.close()
            connection.release()
            if isinstance(error, EngineError) and "python3" in error.message:
                raise EngineError(
                    f"The image of {container} has no python3, which tool containers need",
                    "Install it in the image, or use one that labcrew makes.",
                ) from error
            if isinstance(error, RunnerLost | EngineUnavailable):
                with suppress(EngineError):
                    self._end(container)
            raise
        return connection


def _result(call: Call) -> RunResult:
    return RunResult(
        exit_code=call.exit_code,
        stdout=clean(bytes(call.output[STDOUT])),
        stderr=clean(bytes(call.output[STDERR])),
        timed_out=call.timed_out,
        truncated=call.truncated,
        duration_s=round(time.monotonic() - call.began, 3),
    )
