"""One call of the scorer: raw outputs go into a container of its own as plain data, scores come out
as plain data, and nothing is believed if the scorer's files changed meanwhile.
"""

import json
import math
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from labcrew.domain.base import canonical_json
from labcrew.domain.evolution import Evolution, RawRun
from labcrew.domain.evolution_spec import Case, Scale
from labcrew.domain.sandbox import Limits, OverlayFile, RunResult, SandboxSpec, WorkspaceSource
from labcrew.errors import BoundaryError, EngineError, EvidenceError, RunnerLost, ToolError
from labcrew.plain_text import HALVES, ODD
from tools.evolution.scorer_files import changed_files, file_hashes
from tools.toolbox import Workbench

RUNS, SCORES = ".labcrew-runs", ".labcrew-scores.json"
_LABCREWS = (RUNS, SCORES)
"""What the commit may hold under these names is left out of the container."""
_SCORES_MB = 16
_WORKSPACE_MB, _MORE_MB = 1024, 64
_PIDS = 256
_WHY = 2000
_TOLD = 600


class ScorerFailed(ToolError):
    """The scorer gave no scores that can be read."""


class ScorerSlow(ScorerFailed):
    """It did not end in time."""


class Judged(NamedTuple):
    """What the scorer says of a run; `why` is untrusted text, cleaned."""

    score: float
    why: str


def scored(
    name: str,
    runs: Mapping[str, RawRun],
    cases: Mapping[str, Case],
    image: str,
    evolution: Evolution,
    bench: Workbench,
) -> dict[str, Judged]:
    """Scores runs in a fresh container; a run that the scorer left out is left out here.

    Args:
        name: the container's.
        runs: alias → a run that left an output.
        cases: id → the case, with its answer.
        image: with the evolution's software.

    Raises:
        ScorerFailed: it ended badly, or wrote no scores that can be read.
        EvidenceError: its files changed, or a score is none that can be true.
    """
    box, scorer = bench.sandboxes, evolution.spec.scorer
    archive = bench.repositories.archive(evolution.id, evolution.base_commit, _LABCREWS)
    data = _data(runs, cases)
    size_mb = (len(archive) + sum(len(file.content) + 4096 for file in data) >> 20) + _MORE_MB
    command = scorer.command.replace("{runs}", RUNS).replace("{scores}", SCORES)
    if box.status(name).state != "missing":  # of a call that was killed: nobody knows what it did
        box.remove(name)
    try:
        box.start(_sandbox(name, data, size_mb, image, evolution))
        result = _ended(name, command, evolution, bench)
        _unchanged(name, file_hashes(archive), size_mb, bench)
        if result.timed_out:
            raise ScorerSlow(
                f"The scorer `{command}` took longer than {scorer.timeout_s:g} s on {len(runs)}"
                " runs",
                "Make it faster, or raise scorer.timeout_s.",
            )
        if result.exit_code != 0:
            said = (result.stderr.strip() or result.stdout.strip())[-_TOLD:]
            raise ScorerFailed(
                f"The scorer `{command}` failed (exit code {result.exit_code}) on {len(runs)}"
                f" runs. Its last lines:\n{said}",
                "Correct it, commit, and begin again.",
            )
        try:
            written = box.read_file(name, SCORES, _SCORES_MB)
        except (ToolError, BoundaryError) as error:
            raise ScorerFailed(
                f"The scorer `{command}` ended well, but left no scores: {error.message}",
                "Let it write one JSON object to {scores}.",
            ) from error
        return _read(written, runs, evolution.spec.metric)
    finally:
        with suppress(EngineError):
            box.remove(name)


def _data(runs: Mapping[str, RawRun], cases: Mapping[str, Case]) -> tuple[OverlayFile, ...]:
    files: list[OverlayFile] = []
    for alias in sorted(runs):
        run = runs[alias]
        case = cases[run.job.case]
        told = {"input": run.job.input, "answer": case.answer, "seed": run.job.seed}
        files += (
            OverlayFile(path=f"{RUNS}/{alias}/case.json", content=canonical_json(told).encode()),
            OverlayFile(path=f"{RUNS}/{alias}/output", content=run.output),
        )
    return tuple(files)


def _sandbox(
    name: str, data: tuple[OverlayFile, ...], size_mb: int, image: str, evolution: Evolution
) -> SandboxSpec:
    spec = evolution.spec
    return SandboxSpec(
        name=name,
        purpose="scorer",
        ticket=evolution.id,
        image=image,
        environment={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
        workspace=WorkspaceSource(
            repository=evolution.id,
            commit=evolution.base_commit,
            without=_LABCREWS,
            overlay=data,
        ),
        limits=Limits(
            memory_mb=spec.scorer.memory_mb,
            pids=_PIDS,
            timeout_s=spec.scorer.timeout_s + 60,
            workspace_mb=_WORKSPACE_MB + size_mb,
        ),
    )


def _ended(name: str, command: str, evolution: Evolution, bench: Workbench) -> RunResult:
    scorer = evolution.spec.scorer
    try:
        return bench.sandboxes.exec(name, ("sh", "-c", command), timeout_s=scorer.timeout_s)
    except RunnerLost as error:
        if bench.sandboxes.status(name).out_of_memory:
            raise ScorerFailed(
                f"The scorer used more than {scorer.memory_mb} MiB", "Raise scorer.memory_mb."
            ) from error
        if error.by_call:
            raise ScorerFailed(
                "The scorer, or what an output made of it, killed its sandbox"
            ) from error
        raise


def _unchanged(name: str, before: dict[str, str], size_mb: int, bench: Workbench) -> None:
    with tempfile.TemporaryDirectory(prefix="labcrew-scored-") as folder:
        try:
            after = bench.sandboxes.collect(name, ".", Path(folder) / "files", size_mb)
        except BoundaryError as error:
            raise ScorerFailed(
                f"What the scorer left can't be looked through: {error.message}",
                "Let it write less into its folder.",
            ) from error
    if changed := changed_files(before, after):
        raise EvidenceError(
            f"A run's output changed the scorer while it was scored: {', '.join(changed[:5])}"
            " is not what the commit holds; nothing of this evaluation counts.",
            "Let the scorer read outputs as plain data (no pickle, no import, no eval).",
        )


def _read(written: bytes, runs: Mapping[str, RawRun], scale: Scale) -> dict[str, Judged]:
    try:
        found = json.loads(written, object_pairs_hook=_once, parse_constant=_no_number)
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
        if odd := sorted(set(found) - set(runs)):
            raise ValueError(f"it names {odd[0][:80]!r}, which is no run")
        return {alias: _judged(found[alias], runs[alias], scale) for alias in sorted(found)}
    except (ValueError, RecursionError) as error:
        raise ScorerFailed(
            f"The scorer's scores can't be read: {str(error)[:300]}",
            'Let it write {"<run>": {"score": <number>, "why": "<text>"}, …}, each run once.',
        ) from None


def _judged(found: Any, run: RawRun, scale: Scale) -> Judged:
    """One entry. Raises ValueError for one of another shape, EvidenceError beyond the scale."""
    if not isinstance(found, dict) or not {"score"} <= set(found) <= {"score", "why"}:
        raise ValueError(f"case {run.job.case}: an entry must hold score, and may hold why")
    score, why = found["score"], found.get("why", "")
    if isinstance(score, bool) or not isinstance(score, int | float) or not isinstance(why, str):
        raise ValueError(f"case {run.job.case}: score must be a number, why a text")
    if isinstance(score, float) and not math.isfinite(score):
        raise ValueError(f"case {run.job.case}: score is {score}")
    if not scale.low <= score <= scale.high:
        raise EvidenceError(
            f"The scorer gave case {run.job.case} {str(score)[:40]} where {scale.name} lies between"
            f" {scale.low:g} and {scale.high:g}: no true score.",
            "Correct the scorer, or metric.low and metric.high in the spec.",
        )
    return Judged(float(score), HALVES.sub("\ufffd", ODD.sub("", why[: 4 * _WHY]))[:_WHY])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names something twice")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
