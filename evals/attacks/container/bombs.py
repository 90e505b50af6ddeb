"""Too much of something, each in a container of its own, and what the host sees of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from evals.attacks.boxes import docker_of
from evals.attacks.container.programs import bomb
from evals.attacks.probe import Finding, Verdict
from evals.attacks.stands import SMALL, Permissive, Stand, decoys
from labcrew.domain.sandbox import RunResult
from tools.toolbox import Workbench

MIB = 1 << 20


@dataclass(frozen=True)
class Bomb:
    """What is taken, and how much must not be had.

    Args:
        kind: the function in inside/bombs.py.
        tried: in plain words.
        asked: how much it goes for.
        allowed: less than this is held, whatever stopped it.
        limits: what the container is bounded to, beside the part's usual.
        control: how much the control goes for, or none where it would hurt this machine.
    """

    kind: str
    tried: str
    asked: int
    allowed: int
    control: int
    limits: dict[str, Any] = field(default_factory=dict)


BOMBS = (
    Bomb("processes", "a fork bomb past 64 processes", 400, 65, 200),
    Bomb("threads", "threads past 64", 400, 65, 200),
    Bomb("memory", "512 MiB of memory where 128 are given", 512, 129, 160, {"memory_mb": 128}),
    Bomb("shared_mappings", "the same, mapped shared", 512, 129, 160, {"memory_mb": 128}),
    Bomb("memory_file", "the same as a file in memory", 512, 129, 160, {"memory_mb": 128}),
    Bomb("scratch", "512 MiB in /tmp", 512, 129, 160, {"memory_mb": 128}),
    Bomb("shared_memory", "512 MiB in /dev/shm", 512, 129, 160, {"memory_mb": 128}),
    Bomb("device_folder", "128 MiB in /dev", 128, 65, 32, {"memory_mb": 128}),
    Bomb("scratch_files", "110,000 files in /tmp", 110_000, 102_401, 20_000),
    Bomb("workspace", "64 MiB in a workspace of 32", 64, 33, 64, {"workspace_mb": 32}),
    Bomb("reserved", "64 MiB reserved in a workspace of 32", 64, 33, 64, {"workspace_mb": 32}),
    Bomb("deleted", "64 MiB in a file without a name", 64, 33, 64, {"workspace_mb": 32}),
    # A file system rounds its number of files up to a block of them.
    Bomb("workspace_files", "2,000 files where 500 may be", 2000, 640, 2000,
         {"workspace_files": 500}),
    Bomb("workspace_folders", "2,000 folders in folders where 500 may be", 2000, 640, 2000,
         {"workspace_files": 500}),
    Bomb("processor", "four processes busy for a second on half a core", 400, 95, 400,
         {"cpus": 0.5}),
)  # fmt: skip


def run(bench: Workbench) -> Iterable[Finding]:
    """Each bomb as a trial of labcrew's; and a flood of the log that the engine keeps."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Stand(bench, folder)
        for item in BOMBS:
            limits = SMALL.model_copy(update=item.limits)
            yield _judged(item, item.allowed, stand.run(bomb(item.kind, item.asked), limits))
        yield _log_flood(stand)


def control(bench: Workbench) -> Iterable[Finding]:
    """The same in root containers whose limits are this machine's protection alone."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Permissive(bench, folder)
        with stand.container() as container:
            for item in BOMBS:
                # It passed labcrew's bounds, or those that protect this machine from it.
                passed = min(item.allowed, item.control)
                output = stand.exec(container, bomb(item.kind, item.control))
                yield _judged(item, passed, RunResult(exit_code=0, stdout=output, stderr=""))
        with stand.container(bomb("output", 20_000)) as container:
            stand.client.wait(container)
            kept = sum(map(len, stand.client.logs(container, stream=True)))
            yield _flooded(kept, kept)


def _judged(item: Bomb, allowed: int, end: RunResult) -> Finding:
    verdict: Verdict
    reached, stopped = _told(end.stdout)
    if reached is not None:
        verdict = "breached" if reached >= allowed else "held"
        happened = f"got {reached} of {item.asked}; stopped by {stopped}"
    elif end.out_of_memory or end.exit_code == 137:
        verdict, happened = "held", "killed when its memory was used up"
    else:
        verdict, happened = "unknown", f"exit code {end.exit_code}: {end.stderr[-200:]}"
    return Finding(
        probe=item.kind.replace("_", " "), tried=item.tried, happened=happened, verdict=verdict
    )


def _told(output: str) -> tuple[int | None, str]:
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            told = json.loads(line)
            return int(told["reached"]), str(told["stopped"])
    return None, ""


def _log_flood(stand: Stand) -> Finding:
    spec = stand.spec(bomb("output", 20_000), SMALL.model_copy(update={"output_mb": 1}))
    stand.sandboxes.start(spec)
    try:
        shown = sum(map(len, stand.sandboxes.follow(spec.name)))
        name = stand.sandboxes.container_name(spec.name)
        kept = sum(map(len, stand.sandboxes.client.logs(name, stream=True)))
    finally:
        stand.sandboxes.remove(spec.name)
    return _flooded(shown, kept)


def _flooded(shown: int, kept: int) -> Finding:
    return Finding(
        probe="log flood",
        tried="20 MB of output where 1 MiB is shown and at most 8 are kept by the engine",
        happened=f"{shown / MIB:.1f} MiB shown, {kept / MIB:.1f} kept",
        verdict="breached" if shown > 1.1 * MIB or kept > 8 * MIB else "held",
    )
