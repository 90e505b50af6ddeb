"""A board on a real socket, and commands that ask it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from desk.cli import app
from desk.web.access import Role
from desk.web.app import create_app
from desk.web.lab import Lab
from desk.web.serving import Server, listen
from desk.wiring import Opened
from tests.desk.web.clients import lab_at


class Served:
    """A lab that is served."""

    def __init__(self, lab: Lab, url: str) -> None:
        self.lab, self.url = lab, url

    def token(self, role: Role = "approver", name: str = "ada") -> str:
        return self.lab.access.add(name, role)


@pytest.fixture
def served(opened: Opened) -> Iterator[Served]:
    lab = lab_at(opened)
    server, listening = Server(create_app(lab), lab), listen(0)
    thread = threading.Thread(target=asyncio.run, args=(server.run_on(listening),))
    thread.start()
    yield Served(lab, f"http://127.0.0.1:{listening.getsockname()[1]}")
    server.should_exit = True
    thread.join(15)
    listening.close()
    assert not thread.is_alive()


Runs = Callable[..., Result]


@pytest.fixture
def there(served: Served, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs a command against the server, as an approver."""
    monkeypatch.setenv("LABCREW_SERVER", served.url)
    monkeypatch.setenv("LABCREW_TOKEN", served.token())
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def here(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Runs a command against the same home, as the same person."""
    monkeypatch.setenv("LABCREW_USER", "ada")
    home = str(Path(opened.home.root))
    return lambda *words: CliRunner().invoke(app, [*words, "--home", home])
