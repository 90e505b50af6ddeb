"""Tool that runs a candidate of a draft once, in a sandbox without a network.

It answers facts alone: lines with their times, files, memory, the exit code. What the numbers mean
is read from them later (agents/drafting/observing.py).
"""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.draft import Draft, FirstRun, SeenLine
from labcrew.domain.sandbox import Limits, OutputFile, OverlayFile, SandboxSpec, WorkspaceSource
from labcrew.errors import BoundaryError, NotFound
from labcrew.home import Home
from tools.line_times import kept_lines, timed
from tools.measured_shell import FOLDER, measured
from tools.offers import VARIABLES, named
from tools.run_trial import log_path
from tools.toolbox import Tool, Workbench

_GRACE_S = 15.0
"""How long a run that is stopped may tidy up, and be measured."""
_TAIL = 200
_TEXT_BYTES = 1 << 20
_COLLECTED_MB = 64


class FirstRunCall(Model):
    """Runs a candidate once."""

    id: str = Field(description="unique in the draft, as D-001-run-0; the same id runs once")
    image: str
    command: str = Field(description="one shell line, with everything filled in")
    environment: dict[str, str] = Field(default_factory=dict)
    overlay: tuple[OverlayFile, ...] = Field(default=(), description="edited settings files")
    outputs: str = Field(default="outputs", description="a folder that begins without files")
    cpus: float = Field(default=1, gt=0, description="cores")
    memory_mb: int = Field(default=2048, ge=16, description="MiB")
    timeout_s: float = Field(default=120, gt=0, description="seconds until it is stopped")
    disk_mb: int = Field(default=4096, ge=16, description="MiB")


def run_container(run: str) -> str:
    """The name of a first run's container in its home."""
    return f"{run}-first".lower()


def _with_folders(call: FirstRunCall, draft: Draft, bench: Workbench) -> str:
    """The command, after the folder for checkpoints is made where the program knows of it."""
    variable = VARIABLES["checkpoints"]
    known = "checkpoints" in named(bench.repositories, draft.id, draft.base_commit)
    made = variable in call.environment and known
    return f'mkdir -p "${variable}" && {call.command}' if made else call.command


def _first_run(call: FirstRunCall, draft: Draft, bench: Workbench) -> FirstRun:
    box, name = bench.sandboxes, run_container(call.id)
    folder = bench.home.outputs(draft.id, call.id)
    if box.status(name).state == "missing":
        shutil.rmtree(folder, ignore_errors=True)  # of a run whose answer was lost
    box.start(
        SandboxSpec(
            name=name,
            purpose="first_run",
            ticket=draft.id,
            image=call.image,
            command=measured(_with_folders(call, draft, bench), call.outputs),
            environment=call.environment,
            workspace=WorkspaceSource(
                repository=draft.id,
                commit=draft.base_commit,
                emptied=call.outputs,
                overlay=call.overlay,
            ),
            limits=Limits(
                cpus=call.cpus,
                memory_mb=call.memory_mb,
                timeout_s=call.timeout_s + 2 * _GRACE_S,
                workspace_mb=call.disk_mb,
            ),
        )
    )
    stopped = threading.Event()
    started = box.status(name).started_at
    # After a crash it is found again, with the time that it ran meanwhile counted.
    passed = max(0.0, (bench.clock.now() - started).total_seconds()) if started else 0.0
    if passed > call.timeout_s + 60:  # a clock that stands, or one that was set
        passed = 0.0

    def stop() -> None:
        stopped.set()
        box.stop(name, grace_s=_GRACE_S)

    timer = threading.Timer(max(0.1, call.timeout_s - passed), stop)
    timer.daemon = True
    timer.start()
    begun = time.monotonic() - passed
    log = log_path(bench, draft.id, call.id)
    try:
        lines = kept_lines(timed(box.follow(name), begun), log)
    finally:
        timer.cancel()
        timer.join()
    status = box.status(name)
    box.collect(name, FOLDER, folder, _COLLECTED_MB)
    box.remove(name)
    took = (
        (status.finished_at - status.started_at).total_seconds()
        if status.finished_at and status.started_at
        else time.monotonic() - begun
    )
    return FirstRun(
        id=call.id,
        command=call.command,
        image=call.image,
        exit_code=status.exit_code,
        timed_out=stopped.is_set(),
        out_of_memory=status.out_of_memory,
        duration_s=round(took, 3),
        first_line_s=round(lines.first_s, 3),
        memory_mb=_memory_mb(folder),
        lines=lines.count,
        tail=lines.tail[-_TAIL:],
        files=_files(folder),
    )


def _memory_mb(folder: Path) -> float | None:
    try:
        kib = float(beneath.read(folder, "memory", 100))
    except (NotFound, BoundaryError, ValueError):
        return None
    return round(kib / 1024, 1) if 0 < kib < 1 << 40 else None


def _files(folder: Path) -> tuple[OutputFile, ...]:
    found: list[OutputFile] = []
    try:
        for line in beneath.lines(folder, "files", 1 << 20):
            size, _, rest = line.rstrip("\n").partition(" ")
            sha256, _, path = rest.partition(" ")
            try:
                size_bytes = int(size)
            except ValueError:
                continue
            if path and len(sha256) in (0, 64):
                found.append(OutputFile(path=path[:1000], size_bytes=size_bytes, sha256=sha256))
    except (NotFound, BoundaryError):
        return ()
    return tuple(sorted(found, key=lambda file: file.path)[:500])


_LINE: TypeAdapter[SeenLine] = TypeAdapter(SeenLine)


def lines_of(home: Home, draft: str, run: str) -> Iterator[SeenLine]:
    """The lines of a first run with their times, as they were kept; none where none were."""
    try:
        for line in beneath.lines(home.artefacts(draft) / "logs", f"{run}.jsonl"):
            try:
                yield _LINE.validate_json(line)
            except ValidationError:
                continue
    except (NotFound, BoundaryError):
        return


def texts_of(home: Home, draft: str, run: str) -> dict[str, str]:
    """The small text files that a first run wrote or changed: path in the workspace → content."""
    folder = home.outputs(draft, run)
    found: dict[str, str] = {}
    try:
        for path in sorted(beneath.paths(folder)):
            if path.startswith("copies/"):
                text = beneath.read(folder, path, _TEXT_BYTES)
                if b"\0" not in text:
                    found[path.removeprefix("copies/")] = text.decode("utf-8", "replace")
    except (NotFound, BoundaryError):
        return found
    return found


first_run = Tool("first_run", FirstRunCall, _first_run)
