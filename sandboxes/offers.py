"""What the engine's host offers sandboxes and what it lacks, in plain words."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from labcrew.domain.base import Model
from labcrew.errors import EngineError, StorageFull
from labcrew.settings import SandboxSettings
from sandboxes.client import connect, translated
from sandboxes.images import base_tag
from sandboxes.states import engine_time
from sandboxes.volumes import orphans
from sandboxes.volumes.keeper import PLAIN, Keeper
from sandboxes.volumes.owners import owner

_SKEW_S = 5.0
_LOW_GB = 5.0


class Offer(Model):
    """One thing that sandboxes rest on."""

    name: str
    state: Literal["ok", "warning", "problem"] = "ok"
    detail: str
    remedy: str = ""


def offers(settings: SandboxSettings, now: datetime) -> Iterator[Offer]:
    """Asks the engine, and lets it make and remove one container.

    Args:
        settings: how containers are to be run.
        now: the time by this machine's clock.

    Raises EngineUnavailable.
    """
    client = connect(30)
    try:
        with translated("ask the engine what it is"):
            info: dict[str, Any] = client.info()
            version = str(client.version().get("Version", "?"))
            image = bool(client.images(name=base_tag()))
        options = [str(option) for option in info.get("SecurityOptions") or []]
        yield Offer(name="engine", detail=f"Docker {version} answers")
        yield _storage(info)
        yield _limits(info)
        yield _isolation(options)
        yield _runtime(info, settings)
        yield Offer(
            name="base image",
            state="ok" if image else "warning",
            detail=f"{base_tag()} {'is there' if image else 'is not built yet'}",
            remedy="" if image else "The first run builds it (some minutes).",
        )
        yield _volumes(
            Keeper(client, f"doctor{uuid.uuid4().hex[:8]}", owner(None)), settings, image
        )
        yield _clock(info, now)
        yield _gpus(info)
        left = orphans.left_behind(client)
        if left:
            count = sum(len(item.containers) + len(item.volumes) for item in left)
            yield Offer(
                name="leftovers",
                state="warning",
                detail=f"{count} containers and volumes were left by {len(left)} homes that are"
                " gone",
                remedy="`labcrew clean --orphans` removes them.",
            )
    finally:
        client.close()


def _storage(info: dict[str, Any]) -> Offer:
    driver, root = str(info.get("Driver", "?")), Path(str(info.get("DockerRootDir", "/")))
    while not root.exists() and root != root.parent:
        root = root.parent
    free = shutil.disk_usage(root).free / 1e9
    known = driver in ("overlay2", "overlayfs", "btrfs", "zfs")
    remedy = "" if driver != "vfs" else "vfs copies every layer: use overlay2."
    if free < _LOW_GB:
        remedy = "Workspaces take what they fill: free some (`docker system df`)."
    return Offer(
        name="storage",
        state="ok" if known and free >= _LOW_GB else "warning",
        detail=f"driver {driver}, {free:.1f} GB free",
        remedy=remedy,
    )


def _limits(info: dict[str, Any]) -> Offer:
    works = bool(info.get("MemoryLimit")) and bool(info.get("PidsLimit"))
    return Offer(
        name="limits",
        state="ok" if works else "problem",
        detail=f"cgroup v{info.get('CgroupVersion', '?')}; memory and process limits"
        f" {'work' if works else 'do not'}",
        remedy="" if works else "Enable the memory and pids cgroups in the kernel.",
    )


def _isolation(options: list[str]) -> Offer:
    if not any("seccomp" in option for option in options):
        return Offer(
            name="isolation",
            state="problem",
            detail="the engine has no seccomp",
            remedy="Sandboxes rely on it: use an engine built with seccomp.",
        )
    walls = {"rootless": "a rootless engine", "userns": "user namespaces"}
    found = [said for word, said in walls.items() if any(word in option for option in options)]
    return Offer(
        name="isolation",
        state="ok" if found else "warning",
        detail=f"seccomp, {' and '.join(found) or 'no user namespaces'}",
        remedy=""
        if found
        else "Sandboxes run as an unprivileged user either way; a rootless engine or"
        " `userns-remap` adds a wall.",
    )


def _runtime(info: dict[str, Any], settings: SandboxSettings) -> Offer:
    known = sorted(str(name) for name in info.get("Runtimes") or {})
    default, wanted = str(info.get("DefaultRuntime", "?")), settings.runtime
    missing = bool(wanted) and wanted not in known
    detail = f"sandboxes run on {wanted or default}; the engine has {', '.join(known)}"
    if not any("runsc" in name for name in known):
        detail += "; gVisor (runsc) is not installed"
    return Offer(
        name="runtime",
        state="problem" if missing else "ok",
        detail=f"the engine has no {wanted}, only {', '.join(known)}" if missing else detail,
        remedy="Install it on the engine's host, or clear sandbox.runtime." if missing else "",
    )


def _volumes(keeper: Keeper, settings: SandboxSettings, image: bool) -> Offer:
    name = "workspaces"
    if settings.volumes == "plain":
        return Offer(
            name=name,
            state="warning",
            detail="not capped: a run can fill the engine's disk",
            remedy='sandbox.volumes = "capped" caps them, where there are loop devices.',
        )
    if not image:
        return Offer(name=name, detail="capped; tried once the base image is there")
    try:
        keeper.ask("make", name="try", mb=16, files=64)
        keeper.ask("drop", name="try")
    except (EngineError, StorageFull) as error:
        return Offer(name=name, state="problem", detail=error.message, remedy=error.remedy or PLAIN)
    finally:
        keeper.close()
    return Offer(name=name, detail="capped in size and files; loop devices work")


def _clock(info: dict[str, Any], now: datetime) -> Offer:
    engine = engine_time(str(info.get("SystemTime", "")))
    if engine is None:
        return Offer(name="clock", state="warning", detail="the engine does not tell its time")
    skew = (engine - now).total_seconds()
    off = abs(skew) > _SKEW_S
    return Offer(
        name="clock",
        state="warning" if off else "ok",
        detail=f"the engine's is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this"
        " machine's"
        if off
        else "the engine's agrees with this machine's",
        remedy="Let both keep time by NTP; times of runs are the engine's." if off else "",
    )


def _gpus(info: dict[str, Any]) -> Offer:
    runtimes = info.get("Runtimes") or {}
    devices = [str(device.get("ID")) for device in info.get("DiscoveredDevices") or []]
    seen = [name for name in runtimes if "nvidia" in name] + devices
    return Offer(
        name="GPU",
        detail=f"passed through by {', '.join(seen)}"
        if seen
        else "the engine offers none; tickets with budget.gpus would not start",
    )
