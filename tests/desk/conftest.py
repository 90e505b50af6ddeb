"""A real home with a real ledger, and a real git repository to assign tickets on."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from desk.wiring import Opened
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.settings import Settings

TICKET = """\
---
title: A better learning rate
repository: ./toy
metric: {name: accuracy, direction: maximize}
run: {command: "python train.py {settings} --seed {seed} --outputs {outputs}"}
settings: {file: train.py}
search_space:
  lr: {type: float, low: 0.001, high: 1, log: true, role: learning_rate}
evaluator:
  command: python evaluate.py --outputs {outputs} --split {split}
  private: [evaluate.py]
data:
  - {path: data/train.csv, split: train}
  - {path: data/holdout.csv, split: holdout}
budget: {trials: 10, hours: 1}
editable: [train.py]
---
Which learning rate is best?
"""


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)


def git(folder: Path, *arguments: str) -> str:
    """Runs git with a fixed author and none of this machine's configuration."""
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": "t@localhost"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A folder with a ticket and the repository that it names."""
    repository = tmp_path / "lab" / "toy"
    (repository / "data").mkdir(parents=True)
    for name, text in {
        "train.py": "print('hello')\n",
        "evaluate.py": "print('{}')\n",
        "data/train.csv": "id,x\n1,2\n",
        "data/holdout.csv": "id,x\n9,9\n",
    }.items():
        (repository / name).write_text(text)
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "start")
    (tmp_path / "lab" / "ticket.md").write_text(TICKET)
    return tmp_path / "lab"


@pytest.fixture
def opened(tmp_path: Path, clock: HandClock) -> Iterator[Opened]:
    home = Home(tmp_path / "home")
    home.create()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        yield Opened(home, Settings(), ledger, clock)
