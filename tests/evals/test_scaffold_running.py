"""How the scaffold target is run and asked directly; the model and the sandbox are stand-ins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from desk.wiring import open_home
from evals.scaffold import direct, running
from evals.scaffold.catalogue import Task, catalogue
from labcrew.errors import InputError
from labcrew.evolution_file import read_spec
from labcrew.home import Home
from labcrew.settings import Settings
from tests.desk.evolved import started
from tests.evals.scaffold_parts import HERE

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
