"""What is kept of a run: a line a round as it comes; at the end all scores, and a summary."""

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.evolution import (
    Evolution,
    Kept,
    NoiseFloor,
    Round,
    RunStatus,
    ScoredRun,
    Sealed,
    Verdict,
    code_hash,
)
from labcrew.domain.evolution_spec import Control, Split

ROUNDS, RUNS, SUMMARY, KEPT = "rounds.jsonl", "runs.csv.gz", "summary.json", "kept"
ARMS: tuple[Control, ...] = ("", "random_search", "always_keep", "no_memory")


class Line(Model):
    """One round."""

    round: int
    proposer: str
    title: str
    verdict: Verdict | None
    reason: str
    score: float | None = Field(description="gate mean on the first seeds; None: not all was run")
    gain: float | None = Field(description="of the re-test, else of the first comparison")
    low: float | None = Field(description="its interval")
    high: float | None
    retested: bool
    seconds: float = Field(description="its evaluations took")
    own_seconds: float = Field(description="the loop itself took")
    tokens: int
    ended_at: str


class Summary(Model):
    """A run, once the sealed split is open."""

    control: Control
    status: str
    outcome: str
    model: str
    baseline: str = Field(description="the program's hash as it was")
    champion: str = Field(description="as the gate chose it")
    rounds: int
    hours: float
    tokens: int
    runs: int | None = Field(
        default=None, description="of programs, on all splits; None: they were not counted then"
    )
    noise: NoiseFloor | None
    sealed: Sealed | None
    kept: tuple[Kept, ...]
    champion_round: int


def folder_of(place: Path, control: Control) -> Path:
    """Where an arm's results are."""
    return place / (control or "loop")


def line_of(round_: Round) -> Line:
    """A round as it is kept."""
    gain, proposal = round_.retest or round_.first, round_.proposal
    return Line(
        round=round_.number,
        proposer=proposal.proposer if proposal else "",
        title=proposal.title if proposal else "",
        verdict=round_.verdict,
        reason=round_.reason,
        score=round_.score,
        gain=gain.gain if gain else None,
        low=gain.low if gain else None,
        high=gain.high if gain else None,
        retested=round_.retest is not None,
        seconds=round_.seconds,
        own_seconds=round_.own_seconds,
        tokens=round_.model_tokens,
        ended_at=round_.ended_at,
    )


def write_rounds(folder: Path, rounds: Sequence[Round]) -> None:
    """Writes all rounds that have ended."""
    folder.mkdir(parents=True, exist_ok=True)
    ended = sorted((r for r in rounds if r.status == "noted"), key=lambda r: r.number)
    _write(folder / ROUNDS, "".join(line_of(r).model_dump_json() + "\n" for r in ended))


def write_summary(folder: Path, evolution: Evolution, model: str, *, runs: int) -> Summary:
    """Writes what came of it."""
    told = Summary(
        control=evolution.control,
        status=evolution.status,
        outcome=evolution.outcome,
        model=model,
        baseline=code_hash(evolution.baseline),
        champion=code_hash(evolution.champion),
        rounds=evolution.rounds,
        hours=round(evolution.seconds / 3600, 3),
        tokens=evolution.model_tokens,
        runs=runs,
        noise=evolution.noise,
        sealed=evolution.sealed,
        kept=evolution.kept,
        champion_round=evolution.champion_round,
    )
    _write(folder / SUMMARY, told.model_dump_json(indent=2) + "\n")
    return told


class Run(Model):
    """One program, one task, one seed."""

    code: str
    split: Split
    case: str
    seed: int
    status: RunStatus
    score: float
    model_calls: int
    model_tokens: int
    seconds: float


def write_runs(folder: Path, runs: Sequence[ScoredRun]) -> None:
    """Writes every score that the ledger has, packed; the same bytes for the same scores."""
    made = io.StringIO()
    names = list(Run.model_fields)
    rows = csv.DictWriter(made, names, lineterminator="\n")
    rows.writeheader()
    for run in sorted(runs, key=lambda r: r.id):
        rows.writerow({name: getattr(run, name) for name in names})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUNS).write_bytes(gzip.compress(made.getvalue().encode(), mtime=0))


def read_runs(folder: Path) -> tuple[Run, ...]:
    """All scores of an arm that has ended; none where it has not."""
    if not (folder / RUNS).is_file():
        return ()
    text = gzip.decompress((folder / RUNS).read_bytes()).decode()
    return tuple(Run.model_validate(row) for row in csv.DictReader(io.StringIO(text)))


def write_kept(folder: Path, diffs: Sequence[tuple[int, str]]) -> None:
    """Writes what each kept round changed, by the round's number."""
    for number, diff in diffs:
        (folder / KEPT).mkdir(parents=True, exist_ok=True)
        _write(folder / KEPT / f"{number:03d}.diff", diff)


class Arm(Model):
    """One arm's results."""

    control: Control
    rounds: tuple[Line, ...]
    summary: Summary | None


def read(place: Path) -> tuple[Arm, ...]:
    """The arms that have any results, the loop first."""
    found = []
    for control in ARMS:
        folder = folder_of(place, control)
        if not (folder / ROUNDS).is_file():
            continue
        lines = (folder / ROUNDS).read_text(encoding="utf-8").splitlines()
        summary = folder / SUMMARY
        found.append(
            Arm(
                control=control,
                rounds=tuple(Line.model_validate(json.loads(line)) for line in lines),
                summary=Summary.model_validate_json(summary.read_text(encoding="utf-8"))
                if summary.is_file()
                else None,
            )
        )
    return tuple(found)


def _write(path: Path, text: str) -> None:
    """Others see the old file or the new one."""
    made = path.with_suffix(".new")
    made.write_text(text, encoding="utf-8")
    made.replace(path)
