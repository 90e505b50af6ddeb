"""How the scaffold target is run and asked directly; the model and the sandbox are stand-ins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desk.wiring import Opened, open_home
from evals.scaffold import direct, running
from evals.scaffold.catalogue import Task, catalogue
from evals.scaffold.make import SPEC
from evals.scaffold.results import ARMS
from graphs.evolution.loop import Loop
from labcrew.domain.evolution import Evolution, code_hash
from labcrew.domain.evolution_spec import Control
from labcrew.errors import InputError
from labcrew.evolution_file import read_spec
from labcrew.home import Home
from labcrew.settings import Settings
from tests.desk import evolved
from tests.desk.evolved import evolver, started
from tests.evals.scaffold_parts import HERE
from tests.graphs.evolution.lab import make_spec, make_target, program

SOME = [task for task in catalogue() if task.split == "gate"][:3]


def test_a_home_is_answered_by_the_local_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "fetched", lambda name: tmp_path / f"{name}.gguf")
    running._settings(tmp_path / "home", "0.5b")
    file = Home(tmp_path / "home").settings_file
    candidate = Settings.load(file).models["candidate"]
    assert candidate.gguf == tmp_path / "0.5b.gguf"
    assert candidate.timeout_s == running.WAIT_S
    file.write_text(file.read_text() + "between_retries_s = 1\n")
    running._settings(tmp_path / "home", "1.5b")
    assert "0.5b" in file.read_text()


def test_the_budget_is_the_spec_with_other_rounds() -> None:
    spec = read_spec(HERE / "SPEC.md")
    less = running._budgeted(spec, 7)
    assert less.budget.rounds == 7
    assert less.model_copy(update={"budget": spec.budget}) == spec


class Model:
    """Answers right when it is shown what went wrong, or at the third try."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def ask(self, messages: list[dict[str, str]], seed: int, **_sampling: Any) -> str:
        text = messages[-1]["content"]
        self.asked.append((text, seed))
        task = next(t for t in SOME if t.statement in text)
        right = "is wrong" in text or seed % 100 == 3
        return f"```python\n{task.reference if right else 'pass'}\n```"


class Bench(direct.Judge):
    """Knows references by heart."""

    def __init__(self) -> None:
        pass

    def judged(self, answers: Sequence[tuple[Task, str]]) -> list[tuple[list[str], str]]:
        wrong = [source.strip() != task.reference for task, source in answers]
        return [(["it fails"], "wrong") if bad else ([], "") for bad in wrong]


@pytest.mark.parametrize(("feedback", "asks"), [(True, 6), (False, 12)])
def test_only_what_fails_is_asked_again(feedback: bool, asks: int) -> None:
    model = Model()
    answers = direct.retried(
        direct.program(), model, SOME, 1, Bench(), retries=3, feedback=feedback  # type: ignore[arg-type]
    )  # fmt: skip
    assert {name: text.strip() for name, text in answers.items()} == {
        task.name: task.reference for task in SOME
    }
    assert len(model.asked) == asks


@pytest.mark.parametrize(
    ("right", "draws", "chance"),
    [
        ([True, False], 1, 0.5),
        ([True, False], 2, 1.0),
        ([True, False, False, False, False], 4, 0.8),
        ([False] * 5, 4, 0.0),
        ([True] * 5, 1, 1.0),
    ],
)
def test_what_several_draws_could_bring(right: list[bool], draws: int, chance: float) -> None:
    assert direct.of_draws(right, draws) == pytest.approx(chance)


def test_a_loop_that_has_not_ended_has_no_summary(tmp_path: Path) -> None:
    with open_home(tmp_path / "home", create=True) as opened:
        begun = started(opened, tmp_path)
        with pytest.raises(InputError, match="assigned"):
            running._kept(tmp_path / "results", opened.ledger, begun, "0.5b")
    assert running.collect(tmp_path / "home", tmp_path / "results") == (None,)
    assert (tmp_path / "results/loop/rounds.jsonl").read_text() == ""


@pytest.fixture
def stood_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Runs on a tiny target with no model, no sandbox; tells which loops were worked on."""
    worked: list[str] = []

    @contextmanager
    def at_work(opened: Opened, say: Any) -> Iterator[Any]:
        def working(yes: bool, say: Any) -> Any:
            made = evolver(opened, monkeypatch, yes=yes)
            advance = made.advance

            async def noted(evolution: str) -> Evolution:
                before = opened.ledger.evolutions.get(evolution)
                worked.extend([evolution] if before.status == "assigned" else [])
                return await advance(evolution)

            made.advance = noted  # type: ignore[method-assign]
            return made

        yield SimpleNamespace(evolver=working)

    def make(folder: Path) -> None:
        make_target(folder / "target")
        (folder / SPEC).write_text("---\n---\n")

    monkeypatch.setattr(running, "fetched", lambda name: tmp_path / f"{name}.gguf")
    monkeypatch.setattr(running, "make", make)
    monkeypatch.setattr(running, "at_work", at_work)
    monkeypatch.setattr(running, "read_spec", lambda file: make_spec(file.parent / "target"))
    return worked


def ran(tmp_path: Path, control: Control = "", **more: Any) -> Any:
    return running.run(
        tmp_path / "own", tmp_path / "results", rounds=2, control=control,
        say=lambda text: None, **more,
    )  # fmt: skip


@contextmanager
def home_of(tmp_path: Path) -> Iterator[Opened]:
    with open_home(tmp_path / "own" / "home") as opened:
        yield opened


def test_the_loop_and_its_controls_are_judged_on_the_same_seeds(
    tmp_path: Path, stood_in: list[str]
) -> None:
    seeds, spent = set(), {}
    for control in ARMS:
        told = ran(tmp_path, control, tokens=1_000_000)
        with home_of(tmp_path) as opened:
            (found,) = [e for e in opened.ledger.evolutions.all() if e.control == control]
            runs = opened.ledger.scored_runs.of(found.id)
            assert told.runs == len(runs)
            assert found.spec.budget.model_tokens == 1_000_000
            mine = [run for run in runs if run.code == code_hash(found.baseline)]
            judged = {(run.case, run.seed) for run in mine if run.split == "sealed"}
            loop = Loop(id=found.id, bench=SimpleNamespace(ledger=opened.ledger), proposers=())  # type: ignore[arg-type]
            seeds.add((frozenset(judged), loop.first_seeds()))
            spent[control] = told.runs
    assert len(seeds) == 1
    assert len(set(spent.values())) > 1, "equal rounds are no equal spending"
    assert len((tmp_path / "own" / "secret").read_text()) == 64


def test_arms_of_another_home_go_by_the_seeds_that_an_ended_arm_tells(
    tmp_path: Path, stood_in: list[str]
) -> None:
    seeds = tmp_path / "results" / running.SEEDS
    ran(tmp_path)
    first = seeds.read_text()
    (tmp_path / "own").rename(tmp_path / "lost")
    ran(tmp_path, "always_keep")
    assert seeds.read_text() == first
    seeds.write_text(64 * "0" + "\n")
    with pytest.raises(InputError, match="judged on other seeds"):
        ran(tmp_path, "no_memory")


def test_another_budget_is_another_loop(tmp_path: Path, stood_in: list[str]) -> None:
    ran(tmp_path)
    ran(tmp_path)
    ran(tmp_path, tokens=1_000_000)
    with home_of(tmp_path) as opened:
        loops = opened.ledger.evolutions.all()
    assert [e.spec.budget.model_tokens for e in loops] == [20_000_000, 1_000_000]


def test_a_halt_by_a_canary_holds_until_a_person_resumes_the_loop(
    tmp_path: Path, stood_in: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evolved, "TRIED", (program(0.9, "# CHEAT\n"), program(0.8)))
    for _ in range(2):
        with pytest.raises(InputError, match="halted in round 1"):
            ran(tmp_path)
    assert len(stood_in) == 1
    with home_of(tmp_path) as opened:
        opened.evolutions().resume("E-001", "ada")
    assert ran(tmp_path).sealed is not None
    assert len(stood_in) == 2


@pytest.mark.parametrize("status", ["paused", "failed"])
def test_what_stood_still_for_another_reason_is_taken_up(
    tmp_path: Path, stood_in: list[str], status: str
) -> None:
    ran(tmp_path)
    with home_of(tmp_path) as opened:
        (found,) = opened.ledger.evolutions.all()
        still = found.model_copy(update={"status": status})
        opened.ledger.evolutions.put(still, actor="worker", kind="evolution.ended")
    assert ran(tmp_path).status == "done"
    assert len(stood_in) == 2
