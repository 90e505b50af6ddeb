"""`labcrew chat`: one message, a conversation, a thread that goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from desk.cli import app
from desk.wiring import open_home
from evals.chat.home import fill

RUN = CliRunner()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with open_home(tmp_path / "home", create=True) as opened:
        fill(opened)
    return tmp_path / "home"


def chat(home: Path, *words: str, typed: str = "") -> str:
    done = RUN.invoke(app, ["chat", *words, "--home", str(home), "--by", "ada"], input=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


def as_json(home: Path, *words: str) -> Any:
    return json.loads(chat(home, *words, "--json"))


def test_one_question(home: Path) -> None:
    told = chat(home, "why did trial 4 of T-001 fail?")
    assert "the program ended with exit code 1" in told
    assert "[T-001#event-" in told


def test_a_yes_in_the_same_thread(home: Path) -> None:
    asked = as_json(home, "pause T-002")
    assert asked["proposal"]["action"] == "pause"
    chat(home, "yes", "--thread", asked["thread"])
    with open_home(home) as opened:
        assert opened.ledger.tickets.get("T-002").status == "paused"


def test_a_conversation_is_kept(home: Path) -> None:
    told = chat(home, typed="how is T-002?\npause it\nno\n\n")
    assert "Pause T-002" in told
    assert "nothing was done" in told
    listed = as_json(home, "--list")["threads"]
    assert [thread["title"] for thread in listed] == ["how is T-002?"]
    again = chat(home, "--thread", listed[0]["id"], typed="\n")
    assert "you> pause it" in again


def test_another_persons_thread(home: Path) -> None:
    thread = as_json(home, "hello")["thread"]
    done = RUN.invoke(app, ["chat", "hi", "--thread", thread, "--home", str(home), "--by", "eve"])
    assert done.exit_code == 2
    assert "no thread" in done.output
