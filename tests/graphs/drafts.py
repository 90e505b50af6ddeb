"""Repositories made of a few files, and drafts of them by the real machine on a real engine."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from graphs.crew import Crew
from graphs.drafting.drafter import Drafter
from graphs.drafting.study import RunLimits
from labcrew.domain.draft import Draft
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.embedder import WordEmbedder
from tools.toolbox import Workbench

QUICK = RunLimits(first_s=4.0, whole_s=6.0, repeated_s=5.0)
LEARNS = """
import argparse
import random

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
rng = random.Random(options.seed)
loss = (options.learning_rate - 0.03) ** 2 + options.weight_decay + rng.random() / 100
"""
REPORTS = 'print(f"val_loss={loss:.4f}")\n'
IDENTITY = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *IDENTITY, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def make_repository(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """A git repository of the files; returns its commit."""
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    _git(folder, "add", "-A", "-f")
    _git(folder, "commit", "-q", "-m", "start")
    return _git(folder, "rev-parse", "HEAD")


def begin(
    bench: Workbench,
    folder: Path,
    id: str,
    files: Mapping[str, str | bytes],
    sentence: str = "lower the validation loss",
    *,
    yes: bool = True,
) -> Draft:
    """A draft that was asked for, of a new repository of the files."""
    commit = make_repository(folder, files)
    bench.repositories.take(id, folder, commit, snapshot=False)
    draft = Draft(
        id=id,
        repository=str(folder),
        base_commit=commit,
        sentence=sentence,
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
        assume_yes=yes,
    )
    bench.ledger.drafts.put(draft, actor="person:ada")
    return draft


async def advance(bench: Workbench, id: str, limits: RunLimits = QUICK) -> Draft:
    """Works on a draft until it has ended or asks."""
    crew = Crew.of(Judge(models={}), WordEmbedder())
    return await Drafter(crew, bench, Settings(), holder="test", limits=limits).advance(id)
