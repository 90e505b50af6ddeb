"""What a sandboxed call costs beside a plain subprocess and docker-py's exec_run, what a tool
container and a flood of output cost the host, and what a trial's start and a look at it take."""

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import docker
from docker.models.containers import Container

from evals.bench.figures import Figure, median
from evals.lab import bare_bench
from evals.own_memory import own_memory_mib
from labcrew.domain.base import Model
from labcrew.domain.sandbox import Limits, Sandboxes, SandboxSpec
from labcrew.errors import LabcrewError
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.images import base_tag

PARALLEL = 16
_COMMAND = ("true",)
_WARM_UP = 5
_STARTS, _LOOKS = 5, 200


class Flood(Model):
    """What a flood of output did to the process that called."""

    grown_mib: float
    late_s: float
    kept_mib: float


def sandbox_figures(rounds: int = 200) -> tuple[Figure, ...]:
    """All of them, on one tool container, interleaved so that each sees the same load.

    Args:
        rounds: calls of each kind, one after another; a tenth of it for exec_run.

    Raises:
        EngineUnavailable: no Docker engine answers.
    """
    with tool_container() as (sandboxes, name):
        client = docker.from_env()
        try:
            container = client.containers.get(sandboxes.container_name(name))
            memory = _memory(sandboxes, name)
            trial = (_start(sandboxes), _look(sandboxes, name))
            single = _single(sandboxes, name, container, rounds)
            crowd = _crowd(sandboxes, name, container, max(1, rounds // 40))
        finally:
            client.close()
    flood = in_fresh_process()
    return (
        *single,
        *crowd,
        Figure(
            name="host memory after 1 GiB of output",
            value=flood.grown_mib,
            unit="MiB",
            bound=64,
            parts={"kept_mib": flood.kept_mib},
        ),
        Figure(
            name="end of a flood after its deadline",
            value=flood.late_s,
            unit="s",
            bound=5,
            parts={},
        ),
        memory,
        *trial,
    )


@contextmanager
def tool_container() -> Iterator[tuple[DockerSandboxes, str]]:
    """A started tool container of a throw-away home, and its name."""
    with bare_bench() as bench:
        sandboxes = bench.sandboxes
        assert isinstance(sandboxes, DockerSandboxes)
        name = f"bench-{uuid.uuid4().hex[:6]}"
        sandboxes.start(
            SandboxSpec(
                name=name,
                purpose="tools",
                ticket="bench",
                image=bench.base_image,
                limits=Limits(memory_mb=512, pids=256, cpus=2),
            )
        )
        for _ in range(_WARM_UP):
            sandboxed(sandboxes, name)
        yield sandboxes, name


def sandboxed(sandboxes: Sandboxes, name: str) -> None:
    """One call of the command in the tool container."""
    if sandboxes.exec(name, _COMMAND).exit_code != 0:
        raise LabcrewError("The sandboxed call failed.")


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def per_second(call: Callable[[], object], calls: int) -> float:
    """Calls a second, with PARALLEL threads calling at once."""
    with ThreadPoolExecutor(PARALLEL) as threads:
        list(threads.map(lambda _: call(), range(PARALLEL)))  # threads and processes are there
        began = time.perf_counter()
        list(threads.map(lambda _: call(), range(calls)))
        return calls / (time.perf_counter() - began)


def plain() -> None:
    """One call of the command on the host."""
    subprocess.run(_COMMAND, check=True, capture_output=True)


def _single(
    sandboxes: Sandboxes, name: str, container: Container, rounds: int
) -> tuple[Figure, Figure]:
    ours: list[float] = []
    bare: list[float] = []
    theirs: list[float] = []
    for at in range(rounds):
        bare.append(timed(plain))
        ours.append(timed(lambda: sandboxed(sandboxes, name)))
        if at % 10 == 0:
            theirs.append(timed(lambda: container.exec_run(list(_COMMAND))))
    parts = {
        "sandboxed_ms": median(ours),
        "subprocess_ms": median(bare),
        "exec_run_ms": median(theirs),
        "rounds": rounds,
    }
    return (
        Figure(
            name="sandboxed true / plain subprocess",
            value=parts["sandboxed_ms"] / parts["subprocess_ms"],
            unit="times",
            bound=2,
            parts=parts,
        ),
        Figure(
            name="docker-py's exec_run / sandboxed true",
            value=parts["exec_run_ms"] / parts["sandboxed_ms"],
            unit="times",
            bound=10,
            at_least=True,
            parts={},
        ),
    )


def _crowd(
    sandboxes: Sandboxes, name: str, container: Container, rounds: int
) -> tuple[Figure, Figure]:
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(per_second(lambda: sandboxed(sandboxes, name), 20 * PARALLEL))
        theirs.append(per_second(lambda: container.exec_run(list(_COMMAND)), 2 * PARALLEL))
    parts = {"sandboxed_per_s": median(ours), "exec_run_per_s": median(theirs), "rounds": rounds}
    return (
        Figure(
            name=f"sandboxed calls, {PARALLEL} at once",
            value=parts["sandboxed_per_s"],
            unit="calls/s",
            bound=100,
            at_least=True,
            parts=parts,
        ),
        Figure(
            name=f"sandboxed / exec_run, {PARALLEL} at once",
            value=parts["sandboxed_per_s"] / parts["exec_run_per_s"],
            unit="times",
            bound=10,
            at_least=True,
            parts={},
        ),
    )


def _memory(sandboxes: DockerSandboxes, name: str) -> Figure:
    """What the engine counts for the container, and the process that the engine keeps for it."""
    container = sandboxes.container_name(name)
    counted = sandboxes.client.stats(container, stream=False)["memory_stats"]["usage"]
    id = sandboxes.client.inspect_container(container)["Id"]
    parts = {"cgroup_mib": counted / 2**20, "shim_mib": _shim_bytes(id) / 2**20}
    return Figure(
        name="host memory of a tool container",
        value=sum(parts.values()),
        unit="MiB",
        bound=32,
        parts=parts,
        note="shim_mib: of the process the engine keeps for it; zero for an engine elsewhere",
    )


def _start(sandboxes: Sandboxes) -> Figure:
    """The start of a container that runs a command, its workspace among it."""
    times: list[float] = []
    for number in range(_STARTS):
        spec = SandboxSpec(
            name=f"bench-start-{number}",
            purpose="trial",
            ticket="bench",
            image=base_tag(),
            command=_COMMAND,
            limits=Limits(memory_mb=128),
        )
        times.append(timed(partial(sandboxes.start, spec)))
        sandboxes.remove(spec.name)
    return Figure(
        name="start of a trial's container",
        value=median(times),
        unit="ms",
        bound=2000,
        parts={"rounds": _STARTS},
    )


def _look(sandboxes: Sandboxes, name: str) -> Figure:
    """CPU of this process for one look; fifty runs are looked at once a second."""
    sandboxes.usage(name)
    began = time.process_time()
    for _ in range(_LOOKS):
        sandboxes.usage(name)
    return Figure(
        name="CPU of a look at what a container uses",
        value=(time.process_time() - began) * 1000 / _LOOKS,
        unit="ms",
        bound=5,
        parts={"rounds": _LOOKS},
    )


def _shim_bytes(id: str) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
            if b"containerd-shim" in line and id.encode() in line:
                kept = (process / "smaps_rollup").read_text().splitlines()
                return 1024 * sum(int(row.split()[1]) for row in kept if row.startswith("Pss:"))
        except OSError:
            continue
    return 0


def flood(timeout_s: float = 10) -> Flood:
    """A gibibyte of output, then silence past the deadline; measures this very process.

    Args:
        timeout_s: the call's time limit.
    """
    with tool_container() as (sandboxes, name):
        before = own_memory_mib("VmRSS")
        script = "head -c 1073741824 /dev/zero | tr '\\0' x; sleep 600"
        began = time.monotonic()
        result = sandboxes.exec(name, ("sh", "-c", script), timeout_s=timeout_s)
        late = time.monotonic() - began - timeout_s
        if not (result.timed_out and result.truncated):
            raise LabcrewError("The flood was not cut off.")
        return Flood(
            grown_mib=own_memory_mib("VmHWM") - before,
            late_s=max(0.0, late),
            kept_mib=len(result.stdout) / 2**20,
        )


def in_fresh_process() -> Flood:
    """The flood, measured in a process that did nothing else."""
    code = "from evals.bench.sandbox import flood; print(flood().model_dump_json())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return Flood.model_validate_json(done.stdout)
