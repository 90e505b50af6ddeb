"""A throw-away home with the real adapters, for measurements."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from labcrew.domain.experiment import TrackedRun
from labcrew.domain.research import MemoryRecord, Recalled
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from sandboxes.client import connect
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.environments.environments import Environments
from sandboxes.git.repositories import GitRepositories
from sandboxes.images import BaseImage
from tools.toolbox import Workbench


class NoTracker:
    """A tracker that keeps nothing."""

    def record(self, experiment: str, run: TrackedRun) -> str:
        """Answers the trial's own id."""
        return run.trial.id


class NoMemory:
    """A memory that keeps nothing."""

    def remember(self, records: list[MemoryRecord]) -> None:
        """Forgets them at once."""

    def recall(
        self,
        scope: str,
        query: str,
        *,
        limit: int = 8,
        commit: str | None = None,
        data_hash: str | None = None,
        repository: str | None = None,
        other_than: str = "",
        holding: bool = False,
    ) -> list[Recalled]:
        """Nothing."""
        return []

    def count(self, scope: str) -> int:
        """Zero."""
        return 0

    def clear(self) -> None:
        """Nothing to do."""


@contextmanager
def bare_bench() -> Iterator[Workbench]:
    """Containers, git and environments of a home that lasts as long as the block.

    Raises:
        EngineUnavailable: no Docker engine answers.
    """
    with TemporaryDirectory(prefix="labcrew-eval-") as folder:
        home = Home(Path(folder) / "home")
        home.create()
        client = connect()
        repositories = GitRepositories(home.repositories)
        sandboxes = DockerSandboxes(f"eval{uuid.uuid4().hex[:10]}", repositories, client)
        clock = SystemClock()
        with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
            try:
                yield Workbench(
                    home=home,
                    ledger=ledger,
                    sandboxes=sandboxes,
                    repositories=repositories,
                    environments=Environments(sandboxes, repositories),
                    memory=NoMemory(),
                    tracker=NoTracker(),
                    sources=(),
                    clock=clock,
                    base_image=BaseImage(client).ensure(),
                )
            finally:
                sandboxes.clean_orphans(set())
                sandboxes.close()
                client.close()


def take(bench: Workbench, ticket: Ticket, beside: Path, id: str = "T-0001") -> AssignedTicket:
    """Copies a ticket's repository into the home, as assigning it would; nothing is checked.

    Args:
        beside: the folder that a relative repository path starts from.

    Raises:
        RepositoryError: the ticket's repository or commit.
    """
    checkout = bench.repositories.inspect(str(beside / ticket.repository), ticket.commit)
    commit = bench.repositories.take(
        id, checkout.repository, checkout.commit, snapshot=ticket.snapshot
    )
    return AssignedTicket(
        id=id,
        ticket=ticket,
        source="eval",
        assigned_by="eval",
        assigned_at=bench.clock.now().isoformat(timespec="seconds"),
        repository=str(checkout.repository),
        base_commit=commit,
        target_branch=checkout.branch,
        budget=ticket.budget,
    )
