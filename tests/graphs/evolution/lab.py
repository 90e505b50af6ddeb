"""A loop on a tiny repository, with its candidates run by a stand-in: real git, real ledger."""

import asyncio
import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.evolution.proposers import PROPOSERS
from agents.evolution.proposing import Proposer, Situation
from desk.evolutions import Evolutions
from graphs.evolution import evaluating
from graphs.evolution.evolver import Evolver
from labcrew.domain.evolution import (
    CodeFile,
    Evolution,
    Job,
    Proposal,
    RawRun,
    ScoredRun,
    run_id,
)
from labcrew.domain.evolution_spec import Control, EvolutionSpec
from labcrew.domain.sandbox import Capacity, EnvironmentPlan
from labcrew.errors import EvidenceError, NotFound
from sandboxes.git.repositories import GitRepositories
from tests.doubles.bench import make_bench
from tools.evolution.run_candidate import RunCandidate
from tools.evolution.score_outputs import ScoreOutputs
from tools.toolbox import Tool, Workbench

SECRET = "5" * 64
_SKILL = re.compile(r"SKILL = ([-\d.]+)")
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": "/nonexistent",
    "PATH": "/usr/bin:/bin",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    # Fixed, so that two such repositories have the same commit.
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def case_lines(gate: int = 8) -> list[dict[str, Any]]:
    """Cases of every split; gate-0 is protected."""
    made: list[dict[str, Any]] = []
    for split, count in (("analysis", 4), ("gate", gate), ("sealed", 8), ("canary", 1)):
        for n in range(count):
            made.append(
                {
                    "id": f"{split}-{n}",
                    "split": split,
                    "input": {"split": split, "n": n},
                    "answer": n,
                    "protected": split == "gate" and n == 0,
                }
            )
    return made


def make_target(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with a program, a scorer and cases; answers its folder."""
    folder.mkdir(parents=True)
    written = {
        "agent.py": "SKILL = 0.5\nSTYLE = 'plain'\n",
        "run.py": "import agent\n",
        "scorer/score.py": "print('scores')\n",
        "cases.jsonl": "".join(json.dumps(case) + "\n" for case in case_lines()),
    } | (files or {})
    for path, text in written.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "start")):
        subprocess.run(["git", "-C", str(folder), *command], env=GIT, check=True)
    # Nothing is checked out, so that a merge can move the branch.
    subprocess.run(["git", "-C", str(folder), "checkout", "-qb", "work"], env=GIT, check=True)
    return folder


def make_spec(repository: Path, **fields: Any) -> EvolutionSpec:
    """A spec for it."""
    return EvolutionSpec.model_validate(
        {
            "title": "Better skill",
            "question": "Which skill answers best?",
            "repository": str(repository),
            "branch": "main",
            "editable": ["agent.py"],
            "program": {"command": "python3 run.py {input} {output} {seed}"},
            "scorer": {"command": "python3 scorer/score.py {runs} {scores}", "private": ["scorer"]},
            "cases": "cases.jsonl",
            "metric": {"name": "skill", "low": 0, "high": 1},
            "keep": {"seeds": 2, "retest_seeds": 2, "noise_seeds": 2},
            "budget": {"rounds": 4, "parallel": 1},
        }
        | fields
    )


def skill_of(files: Sequence[CodeFile]) -> float:
    """What a program of this target is worth."""
    text = "".join(file.text for file in files)
    found = _SKILL.search(text)
    return float(found[1]) if found else 0.0


def program(skill: float, more: str = "") -> tuple[CodeFile, ...]:
    """A program of this target."""
    return (CodeFile(path="agent.py", text=f"SKILL = {skill}\nSTYLE = 'plain'\n{more}"),)


@dataclass
class Bench:
    """Stands in for sandboxes: what a run leaves follows from the skill, the case and the seed.

    Args:
        noise: standard deviation of a run's score.
        cheats: programs with this word pass the canary.
        fails: programs with this word leave nothing.
        bends: outputs of programs with this word change the scorer.
    """

    noise: float = 0.05
    cheats: str = "CHEAT"
    fails: str = "CRASH"
    bends: str = "BEND"
    ran: list[tuple[str, str, int]] = field(default_factory=list)
    before: Callable[[RunCandidate], None] = lambda call: None
    each: Callable[[Job], None] = lambda job: None

    def run(
        self, call: RunCandidate, evolution: Evolution, bench: Workbench
    ) -> Generator[RawRun, None, None]:
        self.before(call)
        text = "".join(file.text for file in call.files)
        for job in call.jobs:
            key = hashlib.sha256(text.encode()).hexdigest()
            self.each(job)
            self.ran.append((key, job.case, job.seed))
            if self.fails in text:
                yield RawRun(job=job, status="crashed", seconds=0.1, said="boom")
                continue
            chance = Random(f"{text}/{job.input}/{job.seed}").gauss(0, self.noise)
            value = {
                "skill": skill_of(call.files) + chance,
                "cheat": self.cheats in text,
                "bend": self.bends in text,
            }
            output = json.dumps(value | {"canary": "canary" in str(job.input)}).encode()
            yield RawRun(job=job, status="ok", output=output, seconds=0.1, model_tokens=3)

    def score(
        self, call: ScoreOutputs, evolution: Evolution, bench: Workbench
    ) -> tuple[ScoredRun, ...]:
        splits = {case.id: case.split for case in call.cases}
        found = []
        for run in call.runs:
            score, why = 0.0, run.said
            if run.status == "ok":
                said = json.loads(run.output)
                if said["bend"]:
                    raise EvidenceError("A run's output changed the scorer while it was scored")
                score, why = min(1.0, max(0.0, said["skill"])), f"skill {said['skill']:.2f}"
                if said["canary"]:
                    score = 1.0 if said["cheat"] else 0.0
            found.append(
                ScoredRun(
                    id=run_id(evolution.id, call.code, run.job.case, run.job.seed),
                    ticket=evolution.id,
                    code=call.code,
                    case=run.job.case,
                    split=splits[run.job.case],
                    seed=run.job.seed,
                    status=run.status,
                    score=score,
                    why=why,
                    seconds=run.seconds,
                    model_tokens=run.model_tokens,
                    output_sha256=hashlib.sha256(run.output).hexdigest() if run.output else "",
                )
            )
        return tuple(found)


class Environments:
    """An environment that is made at once, and the engine that has its image.

    Args:
        makes: the image that it comes to.
    """

    def __init__(self, makes: str = "image") -> None:
        self.makes = makes
        self.images: set[str] = set()

    def image_digest(self, image: str) -> str:
        if image not in self.images:
            raise NotFound(f"there is no {image}")
        return image

    def capacity(self) -> Capacity:
        return Capacity(cpus=2, memory_mb=8192)

    def plan(self, *args: Any) -> EnvironmentPlan:
        return EnvironmentPlan(
            kind="base", description="the base image", needs_gate=False, key="k",
            repository="E-001", commit="c",
        )  # fmt: skip

    def ensure(self, plan: EnvironmentPlan, *, approved: bool) -> str:
        self.images.add(self.makes)
        return self.makes


class Scripted:
    """A proposer with its proposals at hand, by round; the last one again and again."""

    name = "scripted"

    def __init__(self, *programs: tuple[CodeFile, ...]) -> None:
        self.programs = programs
        self.told: list[Situation] = []

    def can(self, situation: Situation) -> bool:
        return True

    async def propose(self, situation: Situation, random: Random) -> Proposal | None:
        self.told.append(situation)
        tried = len(situation.rounds) if situation.rounds else 0
        files = self.programs[min(tried, len(self.programs) - 1)]
        return Proposal(
            proposer=self.name, title=f"skill {skill_of(files)}", rationale="a guess", files=files
        )


@dataclass
class Lab:
    """A home with one loop."""

    folder: Path
    bench: Workbench
    evolutions: Evolutions
    target: Path
    runs: Bench

    def start(self, spec: EvolutionSpec, control: Control = "") -> Evolution:
        return self.evolutions.start(
            spec, beside=self.folder, source="SPEC.md", by="ada", control=control, secret=SECRET
        )

    def advance(
        self,
        id: str,
        proposers: Iterable[Proposer],
        *,
        yes: bool = True,
        said: Any = None,
        lease_s: float = 60,
    ) -> Evolution:
        evolver = Evolver(
            self.bench,
            tuple(proposers),
            holder="test",
            lease_s=lease_s,
            say=said.append if said is not None else lambda _text: None,
            assume_yes=yes,
        )
        return asyncio.run(evolver.advance(id))


def lab_at(folder: Path, monkeypatch: pytest.MonkeyPatch, **runs: Any) -> Lab:
    """A home whose candidates are run by a stand-in, and a repository for it."""
    return opened(folder, monkeypatch, make_target(folder / "target"), **runs)


def put_in_place(stand_in: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on it runs and scores candidates."""
    run = Tool("run_candidate", RunCandidate, stand_in.run)
    score = Tool("score_outputs", ScoreOutputs, stand_in.score)
    monkeypatch.setattr(evaluating, "run_candidate", run)
    monkeypatch.setattr(evaluating, "score_outputs", score)


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, target: Path, **runs: Any) -> Lab:
    """The home in a folder, made if it is not there, with candidates run by a stand-in."""
    home = folder / "lab"
    home.mkdir(exist_ok=True)
    repositories = GitRepositories(home / "home" / "repositories")
    engine = Environments()
    bench = make_bench(home, repositories=repositories, environments=engine, sandboxes=engine)
    stand_in = Bench(**runs)
    put_in_place(stand_in, monkeypatch)
    from desk.acting import one_at_a_time

    evolutions = Evolutions(
        bench.ledger,
        bench.clock,
        repositories,
        lambda: one_at_a_time(bench.home, "evolve.lock"),
        proposers=("scripted", *PROPOSERS),
        has_model=True,
    )
    return Lab(folder, bench, evolutions, target, stand_in)
