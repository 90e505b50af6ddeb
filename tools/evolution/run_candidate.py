"""Tool that runs a candidate: each case and seed in a sandbox of its own, which holds neither the
scorer nor any answer. What a run leaves is raw data; nothing here judges it.
"""

import math
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Self

from pydantic import Field, model_validator

from labcrew.domain.base import Model, canonical_json
from labcrew.domain.evolution import HALTED, CodeFile, Evolution, Job, RawRun, RunStatus
from labcrew.domain.evolution_spec import EvolutionSpec, Program
from labcrew.domain.sandbox import (
    Capacity,
    Limits,
    OverlayFile,
    RunResult,
    SandboxSpec,
    WorkspaceSource,
)
from labcrew.errors import BoundaryError, EngineError, OutputExceeded, RunnerLost, ToolError
from tools.evolution.questions import OverAllowance, Questions, Unanswered
from tools.toolbox import Tool, Workbench

INPUT, OUTPUT = ".labcrew-input.json", ".labcrew-output"
"""At the workspace's root, where reading one takes the engine no look at folders above it."""
_WORKSPACE_MB = 1024
_OF_MEMORY = 1 / 8
"""A repository below that part of a run's memory lies in it: that takes half the time to make."""
_PIDS = 256
_MODEL_S = 600.0
"""Most that one answer of the model is waited for, on the whole; the broker's own limits hold."""
_SAID = 2000
_ALIAS = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OOM = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_FULL = re.compile(r"No space left on device|Disk quota exceeded")


class RunCandidate(Model):
    """Runs a program once for each job."""

    files: tuple[CodeFile, ...] = Field(description="every editable file of the candidate, whole")
    jobs: tuple[Job, ...]
    image: str
    parallel: int = Field(default=1, ge=1, le=64, description="runs at once, at most")
    until_halted: bool = Field(
        default=False, description="no run begins once a person has paused or stopped the loop"
    )

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        aliases = [job.alias for job in self.jobs]
        if len(set(aliases)) != len(aliases):
            raise ValueError("two jobs have one alias")
        if odd := [alias for alias in aliases if not _ALIAS.fullmatch(alias)]:
            raise ValueError(
                f"{odd[0][:80]!r} can't be an alias: letters, digits, - and _, 64 at most"
            )
        if taken := {file.path.split("/")[0] for file in self.files} & {INPUT, OUTPUT}:
            raise ValueError(f"a candidate can't hold {min(taken)}: labcrew writes there")
        return self


def hidden_from_candidates(spec: EvolutionSpec) -> tuple[str, ...]:
    """Path patterns of the base commit that no candidate sees, nor finds in its output's place."""
    return tuple(sorted({*spec.scorer.private, spec.cases, INPUT, OUTPUT}))


def run_container(alias: str, evolution: str) -> str:
    """The name of a run's container in its home."""
    return f"{evolution}-run-{alias}".lower()


def _run_all(
    call: RunCandidate, evolution: Evolution, bench: Workbench
) -> Generator[RawRun, None, None]:
    """Each run as it ends, so that whoever asked can keep it before the next one does."""
    if evolution.spec.program.model is not None and bench.broker is None:
        raise ToolError(
            "The program asks a language model, and none is configured",
            "Name one in the settings, or take program.model out of the spec.",
        )
    clash = _clash(call.files, bench.repositories.files(evolution.id, evolution.base_commit))
    if clash:
        yield from (RawRun(job=j, status="crashed", seconds=0, said=clash) for j in call.jobs)
        return
    made = _sandbox(call, evolution, bench)
    parallel = at_once(call.parallel, evolution.spec.program, bench.sandboxes.capacity())

    def unless_halted(job: Job) -> RawRun | None:
        if call.until_halted and bench.ledger.evolutions.get(evolution.id).status in HALTED:
            return None
        return _run(job, made, evolution, bench, removing)

    # Removing a sandbox takes the engine a while: the next run need not wait for it.
    with ThreadPoolExecutor(2) as removing, ThreadPoolExecutor(parallel) as running:
        runs = [running.submit(unless_halted, job) for job in call.jobs]
        try:
            yield from _as_they_end(runs)
        finally:
            _cancel(runs)


def _as_they_end(runs: Sequence[Future[RawRun | None]]) -> Iterator[RawRun]:
    """What runs left. After an error no more are begun; those under way are told before it."""
    errors: list[BaseException] = []
    for run in as_completed(runs):
        if run.cancelled():
            continue
        if (error := run.exception()) is not None:
            errors.append(error)
            _cancel(runs)
        elif (left := run.result()) is not None:
            yield left
    if errors:
        raise errors[0]


def _cancel(runs: Iterable[Future[RawRun | None]]) -> None:
    """Takes back those that have not begun."""
    for run in runs:
        run.cancel()


def at_once(wanted: int, program: Program, machine: Capacity) -> int:
    """How many runs go at once: as many as are wanted, and as the machine bears.

    Runs that share a processor take each other's time, which the host's clock counts as theirs.
    Those that ask a model mostly wait for it: memory alone bounds them.
    """
    most = machine.memory_mb // program.memory_mb
    if program.model is None:
        most = min(most, int(machine.cpus / program.cpus))
    return max(1, min(wanted, most))


def _run(
    job: Job, made: SandboxSpec, evolution: Evolution, bench: Workbench, removing: Executor
) -> RawRun:
    """One run, in a sandbox that is removed whatever happens."""
    spec = _for_job(made, job, evolution)
    try:
        _start(spec, bench)
        return _ran(spec.name, job, evolution, bench)
    finally:
        removing.submit(_remove, spec.name, bench)


def _clash(files: tuple[CodeFile, ...], there: Iterable[str]) -> str:
    """Why a candidate can't be laid over its commit; empty: it can."""
    paths = {file.path for file in files} | set(there)
    folders = {parent.as_posix() for path in paths for parent in PurePosixPath(path).parents}
    both = sorted(paths & folders)
    return f"{both[0]} is a file and a folder" if both else ""


def _start(spec: SandboxSpec, bench: Workbench) -> None:
    if bench.sandboxes.status(spec.name).state != "missing":  # of a call whose answer was lost
        bench.sandboxes.remove(spec.name)
    bench.sandboxes.start(spec)


def _remove(name: str, bench: Workbench) -> None:
    with suppress(EngineError):  # what can't be removed now is an orphan, and goes as such
        bench.sandboxes.remove(name)


def _for_job(made: SandboxSpec, job: Job, evolution: Evolution) -> SandboxSpec:
    given = OverlayFile(path=INPUT, content=canonical_json(job.input).encode())
    assert made.workspace is not None, "every run has the repository"
    workspace = made.workspace.model_copy(update={"overlay": (*made.workspace.overlay, given)})
    return made.model_copy(
        update={
            "name": run_container(job.alias, evolution.id),
            "workspace": workspace,
            "environment": made.environment | {"PYTHONHASHSEED": str(job.seed)},
        }
    )


def _sandbox(call: RunCandidate, evolution: Evolution, bench: Workbench) -> SandboxSpec:
    """What all runs of a candidate have in common."""
    program, hidden = evolution.spec.program, hidden_from_candidates(evolution.spec)
    size = len(bench.repositories.archive(evolution.id, evolution.base_commit, hidden))
    size += sum(len(file.text) for file in call.files)
    return SandboxSpec(
        name="run",
        purpose="candidate",
        ticket=evolution.id,
        image=call.image,
        environment={"PYTHONDONTWRITEBYTECODE": "1"},
        workspace=WorkspaceSource(
            repository=evolution.id,
            commit=evolution.base_commit,
            without=hidden,
            overlay=tuple(file.overlay() for file in call.files),
        ),
        in_memory=size < (program.memory_mb << 20) * _OF_MEMORY,
        limits=Limits(
            cpus=program.cpus,
            memory_mb=program.memory_mb,
            pids=_PIDS,
            timeout_s=_overall_s(evolution.spec) + 60,
            workspace_mb=_WORKSPACE_MB + (size >> 20),
        ),
    )


def _overall_s(spec: EvolutionSpec) -> float:
    """Seconds after which a run ends, however long the model took."""
    allowed = spec.program.model
    return spec.program.timeout_s + (allowed.calls * _MODEL_S if allowed is not None else 0.0)


def _ran(name: str, job: Job, evolution: Evolution, bench: Workbench) -> RawRun:
    program, box = evolution.spec.program, bench.sandboxes
    command = program.command
    for placeholder, value in (("input", INPUT), ("output", OUTPUT), ("seed", str(job.seed))):
        command = command.replace(f"{{{placeholder}}}", value)
    words = ("sh", "-c", command)
    questions: Questions | None = None
    if program.model is not None and bench.broker is not None:
        questions = Questions(bench.broker, program.model, job.seed)

    def told(status: RunStatus, seconds: float, said: str = "", output: bytes = b"") -> RawRun:
        return RawRun(
            job=job,
            status=status,
            output=output,
            seconds=round(seconds, 3),
            model_calls=questions.calls if questions is not None else 0,
            model_tokens=questions.tokens if questions is not None else 0,
            model_lost_tokens=questions.lost_tokens if questions is not None else 0,
            model_usd=questions.usd if questions is not None else 0.0,
            model_seconds=round(questions.seconds, 3) if questions is not None else 0.0,
            said=said[-_SAID:],
        )

    computed_before = _processor_s(name, bench) if questions is not None else 0.0
    try:
        if questions is None:
            result = box.exec(name, words, timeout_s=program.timeout_s)
        else:
            result = box.converse(
                name,
                words,
                answer=questions,
                timeout_s=program.timeout_s,
                overall_s=_overall_s(evolution.spec),
                cap_mb=questions.cap_mb,
            )
    except (OverAllowance, OutputExceeded) as error:
        return told("over_allowance", 0.0, str(error))
    except Unanswered as error:
        return told("timed_out", 0.0, error.message)
    except RunnerLost as error:
        # The engine must say that the sandbox is to blame; else nobody knows, and it is no score.
        if box.status(name).out_of_memory:
            return told("out_of_memory", 0.0, f"more than {program.memory_mb} MiB")
        if error.by_call:
            return told("crashed", 0.0, "it killed what watched over it")
        raise
    seconds, late = result.duration_s - result.answered_s, result.timed_out
    if questions is not None:
        # The clock stands still while the model answers; other threads of the program need not.
        seconds = max(seconds, (_processor_s(name, bench) - computed_before) / program.cpus)
        late = late or seconds > program.timeout_s
    if late:
        return told("timed_out", seconds, f"{result.stderr[-_SAID:]}\nlonger than it may take")
    if result.exit_code != 0:
        status, why = _failure(result, lambda: _ran_out_of_memory(name, bench), program.memory_mb)
        return told(status, seconds, f"{result.stderr[-_SAID:]}\n{why}")
    try:
        output = box.read_file(name, OUTPUT, math.ceil(program.output_kb / 1024))
    except BoundaryError as error:
        return told("bad_output", seconds, error.message)
    except ToolError:
        return told("no_output", seconds, result.stderr)
    if len(output) > program.output_kb << 10:
        why = f"its output holds {len(output)} bytes; {program.output_kb} KiB may be"
        return told("bad_output", seconds, why)
    return told("ok", seconds, result.stderr, output)


def _processor_s(name: str, bench: Workbench) -> float:
    """Processor time that a sandbox has used, over all cores; of one that is gone there is none."""
    used = bench.sandboxes.usage(name)
    return used.cpu_s if used is not None else 0.0


def _failure(
    result: RunResult, out_of_memory: Callable[[], bool], memory_mb: int
) -> tuple[RunStatus, str]:
    if out_of_memory():
        return "out_of_memory", f"more than {memory_mb} MiB"
    if _FULL.search(result.stderr):
        return "crashed", f"exit code {result.exit_code}: no room left for files"
    return "crashed", f"exit code {result.exit_code}"


def _ran_out_of_memory(name: str, bench: Workbench) -> bool:
    """Whether the kernel ended something in the sandbox for its memory, as its own count says."""
    try:
        counts = bench.sandboxes.exec(name, ("cat", *_OOM), timeout_s=10).stdout
    except RunnerLost:
        return False
    return re.search(r"^oom_kill [1-9]", counts, re.MULTILINE) is not None


run_candidate = Tool("run_candidate", RunCandidate, _run_all)
