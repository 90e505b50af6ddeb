"""One engine, one tracking store a session; a home and a repository a test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphs.work import Work
from tests.doubles.bench import make_bench
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
