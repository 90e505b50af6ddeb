"""Which models answer what, as settings say."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.programming.options import PROGRAMMING
from desk.models import build_judge, build_models
from desk.models.questions import CHAT, judgements, question_names
from evals.endpoint import Refuses, Says, Status, endpoint
from labcrew.errors import SettingsError
from labcrew.judgement import Judgement
from labcrew.settings import ModelSettings, Settings
from tests.desk.models.scripted import Move, settings

URL = "http://127.0.0.1:1/v1"


def local(name: str) -> ModelSettings:
    return ModelSettings(model=name, base_url=URL)


def named(made: Settings) -> dict[str, str | None]:
    return {asked: m.name if m else None for asked, m in build_models(made).items()}


NEXT = Judgement[Move, Move](
    name="coordinator.next_move",
    agent="coordinator",
    answer=Move,
    rule=lambda question: Move(to="the rule's"),
    prompt="Choose the next move.",
    check=lambda question, move: None if move.to != "nowhere" else "there is no move 'nowhere'",
)


def test_without_answering_names_are_agents() -> None:
    made = Settings(models={"default": local("a"), "coordinator": local("b")})
    assert named(made) == {"default": "a", "coordinator": "b"}
    judge = build_judge(made)
    for question, expected in (("coordinator.plan", "b"), ("data_pipeline.quarantine", "a")):
        model = judge.model_for(question)
        assert model is not None
        assert model.name == expected
    assert build_judge(Settings()).models == {}


def test_a_list_names_models_in_order_and_a_question_goes_before_its_agent() -> None:
    made = Settings(
        models={"default": local("a"), "big": local("b"), "small": local("c")},
        answering={
            "merge_request.programming": ("big", "default"),
            "coordinator": ("small",),
            "coordinator.plan": ("big", "small", "rule"),
            "log_monitor": ("rule",),
        },
    )
    judge = build_judge(made)

    def name_of(question: str) -> str | None:
        model = judge.model_for(question)
        return model.name if model else None

    assert name_of("merge_request.programming") == "b"
    assert name_of("merge_request.summary") == "a"
    assert name_of("coordinator.plan") == "b"
    assert name_of("coordinator.next_move") == "c"
    assert name_of("log_monitor.narrative") is None
    assert judge.timeout_s == 2 * 120 + 1
    assert judge.asks_models("coordinator")
    assert not judge.asks_models("log_monitor")


@pytest.mark.parametrize(
    ("models", "answering", "words"),
    [
        ({"janitor": local("m")}, {}, "nothing is asked of it"),
        ({"rule": local("m")}, {}, "models.rule"),
        ({"default": local("m")}, {"janitor": ("default",)}, "no such agent or question"),
        ({"default": local("m")}, {"coordinator.plam": ("default",)}, "no such agent or question"),
        ({"default": local("m")}, {"default": ("other",)}, "no model other"),
        ({"default": local("m")}, {"default": ()}, "names nothing"),
        ({"default": local("m")}, {"default": ("rule", "default")}, "after 'rule'"),
        ({"default": local("m")}, {"default": ("default", "default")}, "twice"),
        ({"default": ModelSettings(model="gpt-x")}, {}, "has no key"),
    ],
)
def test_settings_that_cannot_work(
    models: dict[str, Any], answering: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        build_judge(Settings(models=models, answering=answering))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "model is missing"),
        ('gguf = "/m.gguf"\nbase_url = "http://x"', "do not go with it"),
        ('model = "d"\nprovider = "azure"', "needs base_url"),
    ],
)
def test_a_model_that_is_none(tmp_path: Path, table: str, words: str) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_text(f"[models.default]\n{table}\n")
    with pytest.raises(SettingsError, match=words):
        Settings.load(file)


def test_variables_are_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (
        ("MODELS__DEFAULT__MODEL", "a"),
        ("MODELS__DEFAULT__BASE_URL", URL),
        ("MODELS__BIG__MODEL", "b"),
        ("MODELS__BIG__BASE_URL", URL),
        ("ANSWERING__DEFAULT", '["default", "big"]'),
        ("ANSWERING", '{"coordinator.plan": ["big", "rule"]}'),
    ):
        monkeypatch.setenv(f"LABCREW_{name}", value)
    made = Settings.load(tmp_path / "labcrew.toml")
    assert made.answering == {"default": ("default", "big"), "coordinator.plan": ("big", "rule")}
    assert named(made) == {"default": "a", "coordinator.plan": "b"}


def test_every_question_has_a_name_of_its_own() -> None:
    names = question_names()
    assert len(set(names)) == len(names)
    assert set(names) == {judgement.name for judgement in judgements()} | {PROGRAMMING, CHAT}
    for judgement in judgements():
        assert judgement.name.startswith(f"{judgement.agent}.")


def test_no_judgement_is_forgotten() -> None:
    """Every judgement that stands in agents/ can be named in settings."""
    import importlib
    import pkgutil

    import agents

    found = set()
    for module in pkgutil.walk_packages(agents.__path__, "agents."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Judgement):
                found.add(value.name)
    assert found <= set(question_names())


async def test_a_bad_answer_is_explained_and_asked_for_again() -> None:
    with endpoint(Says({"to": "nowhere", "because": ""}), Says({"to": "plan", "because": ""})) as s:
        judge = build_judge(Settings(models={"default": settings(s.base_url)}))
        verdict = await judge.ask(NEXT, Move(to="?"))
    assert verdict.answer.to == "plan"
    assert verdict.by == "model:test-model"
    assert verdict.fallbacks == ("there is no move 'nowhere'",)
    first, second = (request["messages"] for request in s.requests)
    assert second[:2] == first
    assert "there is no move 'nowhere'" in second[-1]["content"]


async def test_after_bounded_tries_the_rule_answers_and_says_why() -> None:
    with endpoint(Refuses(), Says("{}"), Says({"to": "too late", "because": ""})) as served:
        judge = build_judge(Settings(models={"coordinator": settings(served.base_url)}))
        verdict = await judge.ask(NEXT, Move(to="?"))
    assert (verdict.answer.to, verdict.by) == ("the rule's", "rule")
    assert verdict.fallbacks[0] == "the model refused to answer"
    assert "the answer does not fit, field to" in verdict.fallbacks[1]
    assert len(served.requests) == 2


async def test_fallbacks_in_order_then_the_rule() -> None:
    right = json.dumps({"to": "plan", "because": ""})
    with endpoint(Status(500)) as first, endpoint(Says(right), Status(401)) as second:
        judge = build_judge(
            Settings(
                models={
                    "big": settings(first.base_url, model="big"),
                    "small": settings(second.base_url, model="small"),
                },
                answering={"default": ("big", "small", "rule")},
            )
        )
        verdicts = [await judge.ask(NEXT, Move(to="?")) for _ in range(2)]
    assert [verdict.by for verdict in verdicts] == ["model:small", "rule"]
    (trouble,) = verdicts[1].fallbacks
    assert "small: the endpoint answered 401" in trouble
    assert "big: the endpoint answered 500" in trouble
