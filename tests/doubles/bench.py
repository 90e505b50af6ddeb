"""A workbench of real and small parts for tests of tools and agents."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labcrew.domain.research import LiteratureSource, Memory, Paper
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import SourceUnreachable, ToolError
from labcrew.ledger import Ledger
from tests.doubles.embedder import WordEmbedder
from tests.doubles.memory import DictMemory
from tests.ledgers import new_home
from tools.toolbox import Workbench


class FixedClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Shelf:
    """A literature source with its papers at hand, or without a connection.

    Args:
        name: the source's name.
        papers: what each search finds.
        fault: raised instead.
    """

    def __init__(self, name: str, *papers: Paper, fault: ToolError | None = None) -> None:
        self.name = name
        self.asked: list[tuple[str, ...]] = []
        self._papers = papers
        self._fault = fault

    def search(self, queries: tuple[str, ...], limit: int) -> tuple[Paper, ...]:
        self.asked.append(queries)
        if self._fault is not None:
            raise self._fault
        return self._papers[:limit]


def unreachable(name: str) -> Shelf:
    """A source that no connection reaches."""
    return Shelf(name, fault=SourceUnreachable(f"{name} can't be reached from here."))


def make_bench(
    root: Path,
    *,
    sources: tuple[LiteratureSource, ...] = (),
    memory: Memory | None = None,
    **adapters: Any,
) -> Workbench:
    """A workbench with a real ledger in `root`; adapters that aren't given are absent."""
    home = new_home(root / "home")
    parts: dict[str, Any] = {"base_image": "none"}
    parts |= dict.fromkeys(("sandboxes", "repositories", "environments", "tracker"))
    return Workbench(
        home=home,
        ledger=Ledger.open(home.ledger_url, anchor=home.anchor, clock=FixedClock()),
        memory=memory or DictMemory(WordEmbedder()),
        sources=sources,
        clock=FixedClock(),
        **(parts | adapters),
    )


SPACE = {
    "learning_rate": {
        "type": "float",
        "low": 1e-4,
        "high": 10,
        "log": True,
        "role": "learning_rate",
    },
    "batch_size": {"type": "int", "low": 8, "high": 1024, "role": "batch_size"},
    "momentum": {"type": "float", "low": 0, "high": 0.99},
    "weight_decay": {"type": "float", "low": 0, "high": 0.1},
    "hidden": {"type": "int", "low": 8, "high": 512},
    "epochs": {"type": "int", "low": 1, "high": 200},
    "dropout": {"type": "float", "low": 0, "high": 0.8},
    "clip": {"type": "float", "low": 0.1, "high": 100, "role": "gradient_clip"},
    "optimizer": {"type": "choice", "choices": ["sgd", "adam"]},
    "augment": {"type": "choice", "choices": [True, False]},
}


def make_assigned(**fields: Any) -> AssignedTicket:
    """An assigned search ticket about a learning rate; `fields` change the ticket."""
    ticket = Ticket.model_validate(
        {
            "title": "Better accuracy",
            "question": "Which learning rate and momentum train a small network best?",
            "repository": "lab",
            "metric": {"name": "accuracy", "direction": "maximize", "pattern": "acc=(.*)"},
            "run": {"command": "python train.py {settings}"},
            "search_space": SPACE,
        }
        | fields
    )
    return AssignedTicket(
        id="T1",
        ticket=ticket,
        source="test",
        assigned_by="person:ada",
        assigned_at="2026-01-01T00:00:00+00:00",
        repository="/lab",
        base_commit="c" * 40,
        target_branch="main",
        budget=ticket.budget,
    )
