"""An evolution whose program does what its case says, on a real engine and real git."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from evals.lab import bare_bench
from labcrew.domain.evolution import (
    CodeFile,
    Evolution,
    Job,
    ModelAnswer,
    ModelRequest,
    RawRun,
    RunStatus,
    ScoredRun,
)
from labcrew.domain.evolution_spec import Case, EvolutionSpec
from tests.sandboxes.fixtures import UserFolder
from tools.evolution.run_candidate import RunCandidate, run_candidate
from tools.evolution.score_outputs import ScoreOutputs, score_outputs
from tools.toolbox import Workbench

PROGRAM = """\
import json, sys
case = json.load(open(sys.argv[1]))
open(sys.argv[2], "w").write(str(case * 2))
"""
SCORER = """\
import json, pathlib, sys
scores = {}
for run in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    case = json.loads((run / "case.json").read_text())
    output = run / "output"
    right = output.exists() and output.read_text() == str(case["answer"])
    scores[run.name] = {"score": float(right), "why": "right" if right else "wrong"}
pathlib.Path(sys.argv[2]).write_text(json.dumps(scores))
"""
FIELDS: dict[str, Any] = {
    "title": "double it",
    "repository": ".",
    "editable": ["program.py", "more/**"],
    "program": {
        "command": "python3 program.py {input} {output} {seed}",
        "timeout_s": 10,
        "memory_mb": 128,
        "output_kb": 64,
    },
    "scorer": {
        "command": "python3 score.py {runs} {scores}",
        "private": ["score.py", "answers/**"],
        "timeout_s": 20,
        "memory_mb": 128,
    },
    "cases": "cases.jsonl",
    "metric": {"name": "right", "low": 0, "high": 1},
}


class Parrot:
    """A model that says back what it was asked."""

    def __init__(self, answer: Callable[[ModelRequest, int], ModelAnswer] | None = None) -> None:
        self.asked: list[tuple[ModelRequest, int]] = []
        self._answer = answer

    def answer(self, request: ModelRequest, seed: int) -> ModelAnswer:
        self.asked.append((request, seed))
        if self._answer is not None:
            return self._answer(request, seed)
        said = request.messages[-1].content
        return ModelAnswer(text=f"{said}!", prompt_tokens=10, completion_tokens=5, seconds=0.25)


@dataclass
class EvolutionLab:
    """One home and one repository with a program, its scorer, cases and answers."""

    user: UserFolder
    bench: Workbench

    def evolution(self, files: dict[str, str] | None = None, **changes: Any) -> Evolution:
        """An evolution of the repository as it stands, with these files changed first."""
        for path, text in ({"program.py": PROGRAM, "score.py": SCORER} | (files or {})).items():
            self.user.write(path, text)
        self.user.git("add", "-A")
        self.user.git("commit", "-q", "--allow-empty", "-m", "work")
        fields = {
            name: value | changes.get(name, {}) if isinstance(value, dict) else value
            for name, value in FIELDS.items()
        }
        spec = EvolutionSpec.model_validate(fields)
        commit = self.bench.repositories.take(
            "E-001", self.user.path, self.user.head(), snapshot=False
        )
        return Evolution(
            id="E-001",
            repository=str(self.user.path),
            base_commit=commit,
            spec=spec,
            source="",
            started_by="ada",
            started_at="2026-01-01T00:00:00+00:00",
            target_branch=None,
            secret="00",
            image=self.bench.base_image,
        )

    def run(
        self,
        evolution: Evolution,
        *jobs: Job,
        program: str = PROGRAM,
        more: tuple[CodeFile, ...] = (),
        parallel: int = 1,
        broker: Parrot | None = None,
    ) -> tuple[RawRun, ...]:
        """What a candidate's runs leave, in their jobs' order, whichever ends first."""
        call = RunCandidate(
            files=(CodeFile(path="program.py", text=program), *more),
            jobs=jobs or (job(),),
            image=evolution.image,
            parallel=parallel,
        )
        runs = run_candidate.run(call, evolution, replace(self.bench, broker=broker))
        return tuple(sorted(runs, key=lambda run: call.jobs.index(run.job)))

    def score(
        self,
        evolution: Evolution,
        *runs: RawRun,
        answer: JsonValue = 42,
        twice: bool = False,
        code: str = "c" * 64,
    ) -> tuple[ScoredRun, ...]:
        """What the scorer says of runs."""
        call = ScoreOutputs(
            code=code,
            runs=runs,
            cases=tuple(
                Case(id=name, split="gate", input=21, answer=answer)
                for name in sorted({run.job.case for run in runs})
            ),
            image=evolution.image,
            twice=twice,
        )
        return score_outputs.run(call, evolution, self.bench)


def raw(number: int, output: bytes, status: RunStatus = "ok", **more: Any) -> RawRun:
    """A run that left that output."""
    return RawRun(job=job(number), status=status, output=output, seconds=0.5, **more)


def job(number: int = 0, input: JsonValue = 21, seed: int = 7) -> Job:
    """A run of a case; its alias says nothing of it."""
    return Job(case=f"case-{number}", alias=f"r{number:04d}", input=input, seed=seed)


@contextmanager
def evolution_lab(folder: Path) -> Iterator[EvolutionLab]:
    """A lab with one commit."""
    user = UserFolder(folder / "lab")
    user.path.mkdir(parents=True)
    user.git("init", "-q", "-b", "main")
    user.write("cases.jsonl", '{"id": "case-0", "split": "gate", "input": 21, "answer": 42}\n')
    user.write("answers/all.txt", "42\n")
    user.write("readme.txt", "hello\n")
    with bare_bench() as bench:
        yield EvolutionLab(user, bench)
