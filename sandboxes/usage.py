"""What a running container uses: from the kernel's own files, else from the engine's statistics."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcrew.domain.monitoring import Usage
from labcrew.errors import EngineError, StorageFull
from sandboxes.client import translated
from sandboxes.gpus import Gpus
from sandboxes.states import inspected
from sandboxes.volumes.volumes import Volumes

if TYPE_CHECKING:
    from docker.api import APIClient

CGROUPS, PROCESSES = Path("/sys/fs/cgroup"), Path("/proc")
_NO_LIMIT = 1 << 60  # version 1 spells "no limit" as a number near 2^63


@dataclass(frozen=True)
class _Container:
    id: str
    groups: dict[str, Path]
    gpus: int
    workspace: Path | None


class Meter:
    """Reads what containers use, each in well under a millisecond where the engine is local.

    Args:
        client: answers the engine when it is needed.
        volumes: the workspaces.
        cgroups: where the kernel shows its control groups.
        processes: where it shows its processes.
        gpus: the machine's GPUs.
    """

    def __init__(
        self,
        client: Callable[[], APIClient],
        volumes: Volumes,
        cgroups: Path = CGROUPS,
        processes: Path = PROCESSES,
        gpus: Gpus | None = None,
    ) -> None:
        self._client, self._volumes = client, volumes
        self._cgroups, self._processes = cgroups, processes
        self._gpus = gpus or Gpus()
        self._known: dict[str, _Container] = {}

    def read(self, container: str) -> Usage | None:
        """What a container uses now; None for one that does not run.

        Raises EngineUnavailable, OutcomeUnknown, EngineError.
        """
        known = self._known.get(container)
        counted = of_groups(known.groups) if known is not None else None
        if known is None or counted is None:
            # Not seen before, ended, or of an engine on another machine.
            known = self._look(container)
            if known is None:
                return None
            counted = of_groups(known.groups) or self._asked(known.id)
            if counted is None:
                return None
        used, limit = self._disk(container, known)
        memory, busy = self._gpus.read(known.gpus)
        return counted.model_copy(
            update={
                "disk_bytes": used,
                "disk_limit_bytes": limit,
                "gpu_memory_bytes": memory,
                "gpu_busy": busy,
            }
        )

    def forget(self, container: str) -> None:
        """Called when a container is removed."""
        self._known.pop(container, None)

    def _look(self, container: str) -> _Container | None:
        found = inspected(self._client(), container)
        if found is None or not found["State"]["Running"]:
            self.forget(container)
            return None
        requests = found["HostConfig"].get("DeviceRequests") or []
        sources = [m["Source"] for m in found["Mounts"] if m["Destination"] == "/workspace"]
        known = _Container(
            id=str(found["Id"]),
            groups=groups(self._processes, self._cgroups, int(found["State"]["Pid"]), found["Id"]),
            gpus=sum(int(request.get("Count") or 0) for request in requests),
            workspace=Path(sources[0]) if sources and sources[0] else None,
        )
        self._known[container] = known
        return known

    def _asked(self, id: str) -> Usage | None:
        from docker.errors import NotFound as Missing

        with translated("ask the engine what a container uses"):
            try:
                # One sample: the engine would wait a second for a second one.
                told: dict[str, Any] = self._client().stats(id, stream=False, one_shot=True)
            except Missing:
                return None
        return of_statistics(told)

    def _disk(self, container: str, known: _Container) -> tuple[int, int]:
        """Bytes used and in all of a capped workspace; zeros where that is not known."""
        if not self._volumes.capped:
            return 0, 0
        mounted = of_mount(known.workspace) if known.workspace is not None else None
        if mounted is None:
            with suppress(EngineError, StorageFull):  # one from before there was a cap, say
                mounted = self._volumes.used(container)
        return mounted or (0, 0)


def groups(processes: Path, cgroups: Path, pid: int, id: str) -> dict[str, Path]:
    """A container's control groups, by controller, "" for version 2; none where they aren't shown.

    Args:
        pid: its first process, by the engine's word; on another machine it says nothing here.
        id: the container's, which must stand in the group's name.
    """
    with suppress(OSError, ValueError):
        lines = (processes / str(pid) / "cgroup").read_text().splitlines()
        found: dict[str, Path] = {}
        for line in lines:
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(",") if id in path else ():
                found[controller] = cgroups / controller / path.lstrip("/")
        return found
    return {}


def of_groups(found: dict[str, Path]) -> Usage | None:
    """What the kernel counts for a container; None where it shows nothing."""
    with suppress(OSError, ValueError, KeyError):
        if "memory" not in found:
            folder = found[""]
            return Usage(
                memory_bytes=_working_set(folder / "memory.current", folder),
                memory_limit_bytes=_limit(folder / "memory.max"),
                cpu_s=_lines(folder / "cpu.stat")["usage_usec"] / 1e6,
                processes=_number(folder / "pids.current"),
            )
        memory = found["memory"]
        usage = memory / "memory.usage_in_bytes"
        return Usage(
            memory_bytes=_working_set(usage, memory),
            memory_limit_bytes=_limit(memory / "memory.limit_in_bytes"),
            cpu_s=_number(found["cpuacct"] / "cpuacct.usage") / 1e9,
            processes=_number(found["pids"] / "pids.current"),
        )
    return None


def of_statistics(told: dict[str, Any]) -> Usage | None:
    """What the engine says of a container; None for one that does not run."""
    memory, cpu = told.get("memory_stats") or {}, told.get("cpu_stats") or {}
    if "usage" not in memory:
        return None
    limit = int(memory.get("limit", 0))
    return Usage(
        memory_bytes=max(0, int(memory["usage"]) - _file_cache(memory.get("stats") or {})),
        memory_limit_bytes=limit if limit < _NO_LIMIT else 0,
        cpu_s=int(cpu.get("cpu_usage", {}).get("total_usage", 0)) / 1e9,
        processes=int((told.get("pids_stats") or {}).get("current", 0)),
    )


def of_mount(workspace: Path) -> tuple[int, int] | None:
    """Bytes used and in all of a mounted workspace; None where it can't be seen from here."""
    try:
        if workspace.stat().st_dev == workspace.parent.stat().st_dev:
            return None  # it is not mounted now: these would be the machine's own figures
        room = os.statvfs(workspace)
    except OSError:
        return None
    return (room.f_blocks - room.f_bfree) * room.f_frsize, room.f_blocks * room.f_frsize


def _working_set(usage: Path, folder: Path) -> int:
    return max(0, _number(usage) - _file_cache(_lines(folder / "memory.stat")))


def _file_cache(counted: Mapping[str, int]) -> int:
    """What the kernel can drop: files' pages that were read once, and those read again.

    Memory that is shared is in neither. Version 1 counts the groups below with a group as total_.
    """
    before = "total_" if "total_inactive_file" in counted else ""
    return sum(int(counted.get(f"{before}{part}", 0)) for part in ("inactive_file", "active_file"))


def _limit(path: Path) -> int:
    text = path.read_text().strip()
    limit = int(text) if text != "max" else _NO_LIMIT
    return limit if limit < _NO_LIMIT else 0


def _number(path: Path) -> int:
    return int(path.read_text())


def _lines(path: Path) -> dict[str, int]:
    """A file of names and numbers."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
