"""One engine, one tracking store a session; a home and a repository a test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphs.work import Work
from labcrew.home import Home
from labcrew.ledger import Ledger
from tests.contracts.test_forges import SERVERS
from tests.desk.conftest import HandClock, git
from tests.doubles.bench import make_bench
from tests.graphs.forge_world import Scene, make_lab
from tests.graphs.tiny import Lab, lab_at, make_tiny, make_tracking


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tracking(tmp_path_factory.mktemp("tracking") / "mlflow.db")


@pytest.fixture
def lab(tmp_path: Path, tracking: Path) -> Iterator[Lab]:
    with lab_at(tmp_path, make_tiny(tmp_path / "tiny"), tracking) as lab:
        yield lab
        sandboxes = lab.parts.bench.sandboxes
        for status in sandboxes.list():
            sandboxes.remove(status.name)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    """An empty ledger, and nobody to work on it."""
    bench = make_bench(tmp_path)
    crew: Any = None
    with bench.ledger:
        yield Work(bench=bench, crew=crew, rules=crew)


@pytest.fixture(params=["gitlab", "github"])
def scene(request: Any, tmp_path: Path) -> Iterator[Scene]:
    home = Home(tmp_path / "home")
    home.create()
    lab = make_lab(tmp_path)
    with (
        SERVERS[request.param](tmp_path / "forge") as server,
        Ledger.open(home.ledger_url, anchor=home.anchor, clock=HandClock()) as ledger,
    ):
        git(lab, "push", "-q", str(server.bare), "main:main")
        made = Scene(tmp_path, request.param, server.url, ledger)
        made.server = server
        yield made
