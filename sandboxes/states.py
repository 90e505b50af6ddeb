"""Containers as the engine tells of them: their state, and a run watched to its end."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import Limits, RunResult, SandboxStatus
from labcrew.errors import EngineError
from sandboxes.client import translated
from sandboxes.streams import Output, Stream
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient


def run_attached(client: APIClient, container: str, limits: Limits) -> RunResult:
    """Starts a container, reads its output as it comes and ends it at its deadline.

    Raises EngineUnavailable, OutcomeUnknown, EngineError.
    """
    output = Output(cap=limits.output_mb << 20)
    with translated(f"run {container}"):
        query = {"stream": "1", "stdout": "1", "stderr": "1"}
        stream = Stream(client, f"/containers/{container}/attach", params=query)
        began = time.monotonic()
        try:
            client.start(container)
            deadline = began + limits.timeout_s
            stream.exchange(output, stdin=b"", deadline=deadline)
            if not output.timed_out and not _ended(client, container, deadline):
                output.timed_out = True  # it closed its output and ran on
        finally:
            stream.close()
        if output.timed_out:
            client.kill(container) if _running(client, container) else None
            _ended(client, container, time.monotonic() + 30)
    found = inspected(client, container)
    if found is None:
        raise EngineError(f"Container {container} was removed while it ran")
    return RunResult(
        exit_code=int(found["State"]["ExitCode"]),
        stdout=clean(bytes(output.stdout)),
        stderr=clean(bytes(output.stderr)),
        timed_out=output.timed_out,
        truncated=output.truncated,
        out_of_memory=bool(found["State"]["OOMKilled"]),
        duration_s=round(time.monotonic() - began, 3),
    )


def inspected(client: APIClient, container: str) -> dict[str, Any] | None:
    """All that the engine knows of a container; None if there is none of the name."""
    from docker.errors import NotFound

    with translated(f"look at container {container}"):
        try:
            found: dict[str, Any] = client.inspect_container(container)
        except NotFound:
            return None
    return found


def read_status(name: str, found: dict[str, Any] | None) -> SandboxStatus:
    """The sandbox's state, from what the engine knows of its container."""
    if found is None:
        return SandboxStatus(name=name, state="missing")
    state = found["State"]
    if state["Running"] or state["Paused"] or state["Restarting"]:
        return SandboxStatus(name=name, state="running", started_at=engine_time(state["StartedAt"]))
    if state["Status"] == "created":
        return SandboxStatus(name=name, state="created")
    return SandboxStatus(
        name=name,
        state="exited",
        exit_code=state["ExitCode"],
        out_of_memory=bool(state["OOMKilled"]),
        started_at=engine_time(state["StartedAt"]),
        finished_at=engine_time(state["FinishedAt"]),
    )


def engine_time(text: str) -> datetime | None:
    """A time as the engine writes it; None for the one that it uses for never."""
    if not text or text.startswith("0001-"):
        return None
    # Nanoseconds are more than Python reads.
    trimmed = re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00")
    return datetime.fromisoformat(trimmed).astimezone(UTC)


def _ended(client: APIClient, container: str, deadline: float) -> bool:
    pause = 0.005
    while _running(client, container):
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(0.25, pause * 2)
    return True


def _running(client: APIClient, container: str) -> bool:
    found = inspected(client, container)
    return found is not None and bool(found["State"]["Running"])
