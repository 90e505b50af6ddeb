"""Killed between the yes and its effect: it is done once, or not at all, and the thread goes on."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desk.chat.building import coordinator
from desk.web.access import Caller
from desk.wiring import Opened, open_home
from evals.chat.home import fill
from tests.desk.conftest import TICKET, git

ADA = Caller(name="ada", role="approver")

PROGRAM = """
import os, signal, sys
from pathlib import Path
from desk.chat.building import coordinator
from desk.chat.carrying_out import CarryingOut
from desk.office import Office
from desk.web.access import Caller
from desk.wiring import open_home
import asyncio

home, thread, where = sys.argv[1:]
def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "before":
    CarryingOut.finish = die
elif where == "inside":
    put = CarryingOut._put
    CarryingOut._put = lambda self, p: die() if p.status == "done" else put(self, p)
elif where == "assigned":
    assign = Office.assign
    def assigned(self, *args, **more):
        assign(self, *args, **more)
        die()
    Office.assign = assigned
with open_home(Path(home)) as opened:
    talking = coordinator(opened, files=Path(home).parent)
    asyncio.run(talking.say(thread, "yes", Caller(name="ada", role="approver")))
"""


def killed(home: Path, thread: str, where: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(home), thread, where],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def asked(opened: Opened, text: str, files: Path | None = None) -> str:
    talking = coordinator(opened, files=files)
    thread = talking.threads.open("ada").id
    reply = asyncio.run(talking.say(thread, text, ADA))
    assert reply.proposal, reply
    return thread


@pytest.mark.parametrize("where", ["before", "inside"])
def test_an_action_is_done_once(tmp_path: Path, where: str) -> None:
    home = tmp_path / "home"
    with open_home(home, create=True) as opened:
        fill(opened)
        thread = asked(opened, "pause T-002")
    killed(home, thread, where)
    with open_home(home) as opened:
        assert opened.ledger.events.count("T-002", "ticket.paused") == 0
        talking = coordinator(opened)
        for _ in range(2):
            talking.open(thread, ADA)
        assert opened.ledger.tickets.get("T-002").status == "paused"
        assert opened.ledger.events.count("T-002", "ticket.paused") == 1
        told = [s.text for m in talking.threads.messages(thread) for s in m.statements]
        assert sum(text.startswith("Done:") for text in told) == 1
        assert opened.ledger.verify() == []


@pytest.mark.parametrize("where", ["before", "assigned"])
def test_a_ticket_is_assigned_once(tmp_path: Path, where: str) -> None:
    repository = tmp_path / "toy"
    (repository / "data").mkdir(parents=True)
    for name in ("train.py", "evaluate.py", "data/train.csv", "data/holdout.csv"):
        (repository / name).write_text(f"# {name}\n")
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "start")
    (tmp_path / "ticket.md").write_text(TICKET)
    home = tmp_path / "home"
    with open_home(home, create=True) as opened:
        thread = asked(opened, "assign ticket.md", tmp_path)
    killed(home, thread, where)
    with open_home(home) as opened:
        talking = coordinator(opened, files=tmp_path)
        for _ in range(2):
            talking.open(thread, ADA)
        assert [t.id for t in opened.ledger.tickets.all()] == ["T-001"]
        (proposal,) = opened.ledger.proposals.of(thread)
        assert (proposal.status, proposal.target) == ("done", "T-001")
