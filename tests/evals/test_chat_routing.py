"""Where messages are taken: a model's first call of a tool beside what the rules read."""

import json
from pathlib import Path
from typing import Any

import pytest

from desk.chat.building import recogniser
from desk.chat.understand import Understanding
from desk.cli import app
from evals.chat import report, routing
from evals.chat.cases import SPLITS
from evals.chat.measuring import ChatResult
from evals.chat.routing import alone, by_model, by_rule, compare, routed
from evals.endpoint import Calls, Says, endpoint
from evals.judgements.measuring import EndpointLost
from labcrew.domain.chat import Message, Reply, ToolCall
from labcrew.errors import ModelFailure
from tests.doubles.chat import ScriptedChat

MEANT = {case.say: case for split in SPLITS for case in alone(split)}
KEPT = Path(__file__).parents[2] / "evals" / "results" / "chat.json"


def calls(name: str) -> Reply:
    call = ToolCall(id="1", name=name, arguments="{}")
    return Reply(message=Message(role="assistant", content="", calls=(call,)), model="big")


class Knows:
    """Calls the right tool for every message, or none where none is right."""

    name = "knows"

    async def reply(self, messages: Any, *, tools: Any = (), **_more: Any) -> Reply:
        intent = MEANT[messages[-1].content].intent
        if intent in {tool.name for tool in tools}:
            return calls(intent)
        return Reply(message=Message(role="assistant", content="That I can't do."), model="knows")


async def test_the_rules_and_a_model_that_is_always_right() -> None:
    told: list[str] = []
    found = await compare(Knows(), Understanding(recogniser()), told.append)
    assert len(told) == len(SPLITS)
    for split in SPLITS:
        rule, model = (one for one in found if one.split == split)
        assert (rule.way, model.way) == ("coordinator", "knows")
        assert model.right.hits == model.right.of == rule.right.of == len(alone(split))
        assert model.wrong_actions.hits == 0
        assert 0.85 < rule.right.hits / rule.right.of < 1
    kept = ChatResult.model_validate_json(KEPT.read_text())
    assert "| knows |" in report.text(kept, found)
    assert report.text(kept, ()) == report.text(kept)


async def test_a_model_that_always_acts_is_wrong_and_that_is_counted() -> None:
    tools = await by_model(ScriptedChat(calls("stop")), "fresh")
    one = routed("fresh", "stops", tools)
    meant = sum(case.intent == "stop" for case in alone("fresh"))
    assert one.right.hits == meant > 0
    # Of a message that says two things either may be done.
    assert one.wrong_actions.hits >= one.right.of - meant - 1


async def test_a_model_that_fails_is_right_about_nothing_and_an_endpoint_is_said() -> None:
    failed = await by_model(ScriptedChat(ModelFailure("no", kind="refused")), "fresh")
    assert routed("fresh", "fails", failed).right.hits == 0
    gone = ScriptedChat(ModelFailure("nobody answers", kind="unavailable"))
    with pytest.raises(EndpointLost, match="nobody answers"):
        await by_model(gone, "fresh")


def test_a_rule_that_asks_back_is_right_about_nothing() -> None:
    class Unsure:
        def read(self, *_given: Any) -> Any:
            return type("Understood", (), {"readings": ()})

    tools = by_rule(Unsure(), "fresh")  # type: ignore[arg-type]
    assert routed("fresh", "asks", tools).right.hits == 0


def test_the_command_asks_a_model_of_the_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.chat.measuring.say_all", _nothing_said)
    monkeypatch.setattr(routing, "SPLITS", ("fresh",))

    def answers(body: dict[str, Any]) -> Any:
        intent = MEANT[body["messages"][-1]["content"]].intent
        known = {tool["function"]["name"] for tool in body["tools"]}
        return Calls(((intent, {}),)) if intent in known else Says("I can't.")

    with endpoint(answers=answers) as served:
        (tmp_path / "labcrew.toml").write_text(
            f'[models.default]\nmodel = "m"\nbase_url = "{served.base_url}"\n'
        )
        words = ["eval", "chat", "--home", str(tmp_path), "--model", "default", "--json"]
        assert app(words, standalone_mode=False) in (None, 0)
    made = json.loads(capsys.readouterr().out)
    assert [one["right"]["hits"] for one in made["routing"]][1] == len(alone("fresh"))
    assert len(served.requests) == len(alone("fresh"))
    assert app(["eval", "chat", "--home", str(tmp_path), "--model", "no"], standalone_mode=False)
    assert "no model 'no'" in capsys.readouterr().err


def _nothing_said(_opened: Any) -> Any:
    from evals.chat.measuring import Said

    return Said(messages=0, statements=0, numbers_or_ids_wrong=0, done_without_yes=0, proposals=0)
