"""Drafts of small repositories, made by the real machine on a real engine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.lab import bare_bench
from graphs.crew import Crew
from graphs.drafting.drafter import Drafter
from labcrew.domain.draft import Draft, FirstRun
from labcrew.errors import EngineError
from labcrew.judgement import Judge
from labcrew.settings import Settings
from tests.doubles.embedder import WordEmbedder
from tests.sandboxes.fixtures import make_user
from tools import first_run
from tools.toolbox import Workbench

pytestmark = pytest.mark.engine
IDENTITY = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")
TRAIN = """
import argparse
import random

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.01)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
rng = random.Random(options.seed)
rows = [(x, 3 * x - 1 + rng.gauss(0, 0.1)) for x in (rng.uniform(-1, 1) for _ in range(60))]
train, validation = rows[:40], rows[40:]
a = b = 0.0


def loss(rows):
    return sum((a * x + b - y) ** 2 for x, y in rows) / len(rows)


for epoch in range(options.epochs):
    for x, y in train:
        error = a * x + b - y
        a -= options.learning_rate * (error * x + options.weight_decay * a)
        b -= options.learning_rate * error
    print(f"epoch {epoch}: train_loss={loss(train):.4f} val_loss={loss(validation):.4f}")
"""


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with bare_bench() as made:
        yield made


def begun(bench: Workbench, folder: Path, id: str, sentence: str, yes: bool, **files: str) -> Draft:
    user = make_user(folder / id)
    for path in user.path.glob("*.py"):
        path.unlink()
    for name, content in files.items():
        user.write(name.replace("__", "."), content)
    commit = bench.repositories.take(id, user.path, user.commit(), snapshot=False)
    draft = Draft(
        id=id,
        repository=str(user.path),
        base_commit=commit,
        sentence=sentence,
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
        assume_yes=yes,
    )
    bench.ledger.drafts.put(draft, actor="person:ada")
    return draft


def drafter(bench: Workbench) -> Drafter:
    crew = Crew.of(Judge(models={}), WordEmbedder())
    return Drafter(crew, bench, Settings(), holder="test")


async def test_a_program_becomes_a_ticket(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(bench, tmp_path, "D-001", "lower the validation loss", True, train__py=TRAIN)
    runs: list[str] = []
    real = first_run.first_run.run

    def counted(call: first_run.FirstRunCall, draft: Draft, bench: Workbench) -> FirstRun:
        if len(runs) == 3 and "cut" not in runs:
            runs.append("cut")
            raise EngineError("the engine went away")
        runs.append(call.id)
        return real(call, draft, bench)

    monkeypatch.setattr(
        "graphs.drafting.study.first_run",
        type(first_run.first_run)("first_run", first_run.FirstRunCall, counted),
    )
    with pytest.raises(EngineError):
        await drafter(bench).advance("D-001")
    draft = await drafter(bench).advance("D-001")
    assert draft.status == "written", draft.trouble
    # What had been run before the engine went away is not run again.
    assert len(runs) - 1 == len(set(runs) - {"cut"}) == 5
    ticket = draft.ticket
    assert ticket is not None
    assert ticket.run.command.startswith("python train.py")
    assert "{seed}" in ticket.run.command
    assert (ticket.metric.name, ticket.metric.direction) == ("val_loss", "minimize")
    assert {"learning-rate", "weight-decay"} <= set(ticket.search_space)
    assert "epochs" not in ticket.search_space
    assert len(ticket.seeds) > 1
    known = {guess.field: guess for guess in draft.guesses}
    assert known["metric.direction"].confidence > 0.9
    assert known["search_space.learning-rate"].evidence[0].path == "train.py"


async def test_nothing_to_run_is_told(bench: Workbench, tmp_path: Path) -> None:
    begun(bench, tmp_path, "D-002", "lower the loss", True, README__md="# Notes\n")
    draft = await drafter(bench).advance("D-002")
    assert draft.status == "failed"
    assert draft.trouble is not None
    assert "Nothing that can be run" in draft.trouble.message


async def test_a_person_is_asked_and_the_answer_counts(bench: Workbench, tmp_path: Path) -> None:
    program = "LEARNING_RATE = 0.5\nDROPOUT = 0.1\nprint('fitness', LEARNING_RATE * 2 - DROPOUT)\n"
    begun(bench, tmp_path, "D-003", "improve the fitness", False, evolve__py=program)
    draft = await drafter(bench).advance("D-003")
    assert draft.status == "asking", draft.trouble
    assert "metric.direction" in [options.field for options in draft.questions]
    answers = {options.field: options.options[0].value for options in draft.questions}
    answers["metric.direction"] = "minimize"
    answered = draft.model_copy(update={"answers": answers, "status": "drafting"})
    bench.ledger.drafts.put(answered, actor="person:ada")
    draft = await drafter(bench).advance("D-003")
    assert draft.status == "written"
    assert draft.ticket is not None
    assert draft.ticket.metric.direction == "minimize"
    guess = next(guess for guess in draft.guesses if guess.field == "metric.direction")
    assert (guess.by, guess.confidence) == ("person:ada", 1.0)


async def test_what_was_learnt_is_used_again_until_a_file_changes(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begun(bench, tmp_path, "D-004", "lower the validation loss", True, train__py=TRAIN)
    await drafter(bench).advance("D-004")
    runs: list[str] = []
    real = first_run.first_run.run

    def counted(call: first_run.FirstRunCall, draft: Draft, bench: Workbench) -> FirstRun:
        runs.append(call.id)
        return real(call, draft, bench)

    monkeypatch.setattr(
        "graphs.drafting.study.first_run",
        type(first_run.first_run)("first_run", first_run.FirstRunCall, counted),
    )
    place = Path(first.repository)
    for id, change, expected in (("D-005", "", 1), ("D-006", "\n# another\n", 5)):
        (place / "train.py").write_text(TRAIN + change)
        subprocess.run(["git", "-C", str(place), "add", "-A"], check=True)
        subprocess.run(
            ["git", "-C", str(place), *IDENTITY, "commit", "-qm", "c", "--allow-empty"], check=True
        )
        commit = bench.repositories.take(id, place, "HEAD", snapshot=False)
        again = first.model_copy(update={"id": id, "base_commit": commit})
        bench.ledger.drafts.put(again, actor="person:ada")
        runs.clear()
        draft = await drafter(bench).advance(id)
        assert draft.status == "written", draft.trouble
        assert draft.ticket is not None
        assert len(draft.ticket.seeds) > 1
        assert len(runs) == expected
