"""A lab with data on a real engine, real git and a real ledger, for tests of the data's agent."""

import csv
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labcrew.domain.budget import Budget
from labcrew.domain.data_input import DataInput
from labcrew.domain.experiment import TrackedRun
from labcrew.domain.measuring import Metric
from labcrew.domain.research import AgentName
from labcrew.domain.running import Run
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from sandboxes.client import connect
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.environments import Environments
from sandboxes.git.repositories import GitRepositories
from sandboxes.images import BaseImage
from tests.doubles.embedder import WordEmbedder
from tests.doubles.memory import DictMemory
from tests.facts import KnownFacts
from tests.sandboxes.fixtures import UserFolder
from tools.toolbox import Toolbox, Workbench

TICKET = "T-0001"
LEAK, COPY, EMPTY = 3, 90, 20


class NoTracker:
    """A tracker that nothing is told to."""

    def record(self, experiment: str, run: TrackedRun) -> str:
        raise AssertionError("looking after data tracks no runs")


def blobs(path: Path, rows: int, seed: int, planted: Path | None = None) -> None:
    """Writes three separated classes; with `planted`, a leak from there, a copy and a gap."""
    random = np.random.default_rng(seed)
    labels = random.integers(3, size=rows)
    points = random.normal(size=(rows, 4)) + 8 * np.eye(4)[labels]
    cells = [
        [f"{path.stem[0]}{n}", *(f"{v:.3f}" for v in point), "abc"[label]]
        for n, (point, label) in enumerate(zip(points, labels, strict=True))
    ]
    if planted is not None:
        with planted.open(newline="") as file:
            cells[LEAK][1:] = list(csv.reader(file))[8][1:]
        cells[COPY] = ["copy", *cells[10][1:]]
        cells[EMPTY][2] = ""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "a", "b", "c", "d", "label"], *cells])


@dataclass
class DataLab:
    """One home, one user's repository with data, and what tools need."""

    user: UserFolder
    outside: Path
    bench: Workbench
    sandboxes: DockerSandboxes

    def assigned(self, *data: DataInput) -> AssignedTicket:
        commit = self.user.head()
        self.bench.repositories.take(TICKET, self.user.path, commit, snapshot=False)
        ticket = Ticket(
            title="Which data?",
            kind="implement",
            repository=str(self.user.path),
            metric=Metric(name="accuracy", direction="maximize", file="metrics.jsonl"),
            run=Run(command="python train.py"),
            data=data,
        )
        return AssignedTicket(
            id=TICKET,
            ticket=ticket,
            source="test",
            assigned_by="person:ada",
            assigned_at="2026-01-01T00:00:00Z",
            repository=str(self.user.path),
            base_commit=commit,
            target_branch="main",
            budget=Budget(),
        )

    def toolbox(
        self, assigned: AssignedTicket, *, approved: bool = True, agent: AgentName = "data_pipeline"
    ) -> Toolbox:
        rows = [{"path": d.path, "row": n} for d in assigned.ticket.data for n in range(200)]
        shown = {"plan": {"plan": {"quarantine": rows}}} if approved else {}
        facts = KnownFacts(assigned, gates=shown)
        return Toolbox(agent, assigned, self.bench, uuid.uuid4().hex, facts)

    def inside(self, name: str) -> DataInput:
        """The input for data/<name>.csv of the repository."""
        split = name if name in ("train", "validation", "holdout") else "other"
        return DataInput.model_validate(
            {"path": f"data/{name}.csv", "split": split, "label": "label", "id": "id"}
        )


@contextmanager
def data_lab(folder: Path) -> Iterator[DataLab]:
    """A lab whose train.csv has one leaked row, one copy and one empty cell."""
    user = UserFolder(folder / "lab")
    user.path.mkdir()
    user.git("init", "-q", "-b", "main")
    blobs(user.path / "data/validation.csv", 60, 2)
    blobs(user.path / "data/train.csv", 150, 1, user.path / "data/validation.csv")
    user.commit()
    home = Home(folder / "home")
    home.create()
    repositories = GitRepositories(home.repositories)
    sandboxes = DockerSandboxes(f"test{uuid.uuid4().hex[:10]}", repositories)
    clock = SystemClock()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        bench = Workbench(
            home=home,
            ledger=ledger,
            sandboxes=sandboxes,
            repositories=repositories,
            environments=Environments(sandboxes, repositories),
            memory=DictMemory(WordEmbedder()),
            tracker=NoTracker(),
            sources=(),
            clock=clock,
            base_image=BaseImage(connect()).ensure(),
        )
        try:
            yield DataLab(user, folder / "outside", bench, sandboxes)
        finally:
            sandboxes.clean_orphans(set())
            sandboxes.close()
            sandboxes.client.close()
