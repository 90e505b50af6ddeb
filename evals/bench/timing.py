"""Adapters that time what they pass on, and the sum of times that may overlap."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcrew.domain.experiment import TrackedRun, Tracker
from labcrew.domain.monitoring import Usage
from labcrew.domain.research import Memory, MemoryRecord, Recalled
from labcrew.domain.sandbox import (
    Capacity,
    NetworkRequest,
    OutputFile,
    OverlayFile,
    RunResult,
    Sandboxes,
    SandboxSpec,
    SandboxStatus,
)

Span = tuple[float, float]


class Stopwatch:
    """Collects spans (monotonic seconds) from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.spans: list[Span] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Times the block."""
        began = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self.spans.append((began, time.monotonic()))


def covered(spans: list[Span], within: Span) -> float:
    """Seconds of `within` that at least one span covers."""
    total, reached = 0.0, within[0]
    for began, ended in sorted(spans):
        low, high = max(began, reached), min(ended, within[1])
        if high > low:
            total += high - low
        reached = max(reached, high)
    return total


class TimedSandboxes:
    """Sandboxes whose every call, and every wait for a run's output, is timed."""

    def __init__(self, real: Sandboxes, watch: Stopwatch) -> None:
        self._real, self._watch = real, watch

    def start(self, spec: SandboxSpec) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.start(spec)

    def status(self, name: str) -> SandboxStatus:
        """As the real one."""
        with self._watch.running():
            return self._real.status(name)

    def follow(self, name: str) -> Iterator[str]:
        """As the real one; what the caller does with a chunk isn't timed."""
        return self._timed(self._real.follow(name))

    def watch(self, name: str) -> Iterator[str]:
        """As `follow`."""
        return self._timed(self._real.watch(name))

    def _timed(self, chunks: Iterator[str]) -> Iterator[str]:
        while True:
            with self._watch.running():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def usage(self, name: str) -> Usage | None:
        """As the real one."""
        with self._watch.running():
            return self._real.usage(name)

    def capacity(self) -> Capacity:
        """As the real one."""
        with self._watch.running():
            return self._real.capacity()

    def stop(self, name: str, grace_s: float = 2.0) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.stop(name, grace_s)

    def remove(self, name: str) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.remove(name)

    def collect(
        self, name: str, path: str, destination: Path, cap_mb: int
    ) -> tuple[OutputFile, ...]:
        """As the real one."""
        with self._watch.running():
            return self._real.collect(name, path, destination, cap_mb)

    def run(self, spec: SandboxSpec) -> RunResult:
        """As the real one."""
        with self._watch.running():
            return self._real.run(spec)

    def exec(
        self, name: str, command: tuple[str, ...], *, stdin: bytes = b"", timeout_s: float = 60
    ) -> RunResult:
        """As the real one."""
        with self._watch.running():
            return self._real.exec(name, command, stdin=stdin, timeout_s=timeout_s)

    def converse(
        self,
        name: str,
        command: tuple[str, ...],
        *,
        answer: Callable[[str], str | None],
        stdin: bytes = b"",
        timeout_s: float = 60,
        overall_s: float = 3600,
        cap_mb: int = 4,
    ) -> RunResult:
        """As the real one, with the time of the answers."""
        with self._watch.running():
            return self._real.converse(
                name,
                command,
                answer=answer,
                stdin=stdin,
                timeout_s=timeout_s,
                overall_s=overall_s,
                cap_mb=cap_mb,
            )

    def exec_beside(self, name: str, command: tuple[str, ...], *, timeout_s: float) -> RunResult:
        """As the real one."""
        with self._watch.running():
            return self._real.exec_beside(name, command, timeout_s=timeout_s)

    def read_file(self, name: str, path: str, cap_mb: int = 8) -> bytes:
        """As the real one."""
        with self._watch.running():
            return self._real.read_file(name, path, cap_mb)

    def write_files(self, name: str, files: tuple[OverlayFile, ...]) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.write_files(name, files)

    def image_digest(self, image: str) -> str:
        """As the real one."""
        with self._watch.running():
            return self._real.image_digest(image)

    def requests(self, name: str) -> tuple[NetworkRequest, ...]:
        """As the real one."""
        with self._watch.running():
            return self._real.requests(name)

    def list(self, ticket: str | None = None) -> tuple[SandboxStatus, ...]:
        """As the real one."""
        with self._watch.running():
            return self._real.list(ticket)

    def clean_orphans(self, living: set[str]) -> tuple[str, ...]:
        """As the real one."""
        with self._watch.running():
            return self._real.clean_orphans(living)


class TimedMemory:
    """A memory whose every call is timed."""

    def __init__(self, real: Memory, watch: Stopwatch) -> None:
        self._real, self._watch = real, watch

    def remember(self, records: list[MemoryRecord]) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.remember(records)

    def recall(self, scope: str, query: str, **more: Any) -> list[Recalled]:
        """As the real one."""
        with self._watch.running():
            return self._real.recall(scope, query, **more)

    def count(self, scope: str) -> int:
        """As the real one."""
        with self._watch.running():
            return self._real.count(scope)

    def clear(self) -> None:
        """As the real one."""
        with self._watch.running():
            self._real.clear()


class TimedTracker:
    """A tracker whose writes are timed."""

    def __init__(self, real: Tracker, watch: Stopwatch) -> None:
        self._real, self._watch = real, watch

    def record(self, experiment: str, run: TrackedRun) -> str:
        """As the real one."""
        with self._watch.running():
            return self._real.record(experiment, run)
