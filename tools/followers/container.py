"""A container that labcrew did not start: its output, its state, what it uses."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from labcrew.domain.monitoring import Usage
from labcrew.domain.sandbox import SandboxStatus
from labcrew.errors import LabcrewError
from tools.followers.notifier import Notifier
from tools.followers.source import Ended, Place

_MOST_WAITING = 256
_SAMPLE_S = 5.0


class Engine(Protocol):
    """What the engine tells of one container; nothing here changes it."""

    def follow(self) -> Iterator[str]:
        """Its output from the first byte to its end."""

    def status(self) -> SandboxStatus:
        """Its state."""

    def usage(self) -> Usage | None:
        """What it uses now."""


class Container:
    """A container's output, followed in a thread of its own that wakes the notifier.

    Args:
        name: of the container, as the person gave it.
        engine: asks the engine about it.
    """

    def __init__(
        self, name: str, engine: Engine, notifier: Notifier, token: int, start: Place | None = None
    ) -> None:
        self._name, self._engine = name, engine
        self._wake: Callable[[], None] = lambda: notifier.wake(token)
        self._skip = 0 if start is None else start.offset
        self._seen = 0
        self._usage: Usage | None = None
        self._begin()

    def _begin(self) -> None:
        # Bounded: a container that prints faster than it can be judged waits for its turn.
        self._chunks: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        self._over = threading.Event()
        self._closed = threading.Event()
        arguments = (self._chunks, self._over, self._closed)
        threading.Thread(target=self._follow, args=arguments, daemon=True).start()
        threading.Thread(target=self._sample, args=(self._closed,), daemon=True).start()

    def _sample(self, closed: threading.Event) -> None:
        # The engine may take a second to answer; other runs must not wait for it.
        while not closed.is_set() and not self._over.is_set():
            try:
                self._usage = self._engine.usage()
            except LabcrewError:
                self._usage = None
            closed.wait(_SAMPLE_S)

    def _follow(
        self, chunks: "queue.Queue[str]", over: threading.Event, closed: threading.Event
    ) -> None:
        try:
            for chunk in self._engine.follow():
                while not closed.is_set():
                    try:
                        chunks.put(chunk, timeout=0.5)
                        break
                    except queue.Full:
                        continue
                if closed.is_set():
                    return
                self._wake()
        except LabcrewError:
            return  # its status tells what became of it
        finally:
            over.set()
            if not closed.is_set():
                self._wake()

    @property
    def name(self) -> str:
        return f"container {self._name}"

    @property
    def announced(self) -> bool:
        return True

    @property
    def whole(self) -> bool:
        return False

    def unannounced(self) -> None:
        """Never: the thread wakes."""

    def read(self) -> Iterator[str]:
        while True:
            try:
                chunk = self._chunks.get_nowait()
            except queue.Empty:
                return
            new = chunk[self._skip :]
            self._skip = max(0, self._skip - len(chunk))
            self._seen += len(chunk)
            if new:
                yield new

    @property
    def place(self) -> Place:
        return Place(offset=self._seen)

    def usage(self) -> Usage | None:
        return self._usage

    def ended(self, silent_s: float) -> Ended | None:
        if not self._over.is_set() or not self._chunks.empty():
            return None
        status = self._engine.status()
        if status.state == "exited":
            how = "the kernel ended it: out of memory" if status.out_of_memory else "it exited"
            return Ended(
                exit_code=status.exit_code,
                reason=f"{how} ({status.exit_code})",
                out_of_memory=status.out_of_memory,
            )
        if status.state == "missing":
            return Ended(reason="the container is gone")
        return Ended(reason="the engine could not be followed any longer")

    def again(self) -> None:
        # The engine gives the output of all of a container's runs, the first one's first.
        self._closed.set()
        self._skip, self._seen = self._seen, 0
        self._begin()

    def close(self) -> None:
        self._closed.set()
