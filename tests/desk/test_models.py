"""Chat models against a real HTTP server: good answers, and every way in which one fails."""

import asyncio
import json
from time import perf_counter

import pytest

from desk.models import build_judge, chat_of
from evals.endpoint import Breaks, Endpoint, Refuses, Reply, Says, Status, endpoint
from labcrew.domain.base import Model
from labcrew.domain.chat import Message
from labcrew.errors import JudgementError, SettingsError
from labcrew.judgement import Judgement
from labcrew.settings import ModelSettings, Settings

KEY = "sk-test-0123456789"
ASKED = (Message(role="system", content="Be brief."), Message(role="user", content="{}"))


class Question(Model):
    text: str


class Move(Model):
    to: str
    because: str = ""


class Proposal(Model):
    values: dict[str, bool | int | float | str]


NEXT = Judgement[Question, Move](
    name="coordinator.next_move",
    agent="coordinator",
    answer=Move,
    rule=lambda question: Move(to="the rule's"),
    prompt="Choose the next move.",
    check=lambda question, move: None if move.to != "nowhere" else "there is no move 'nowhere'",
)


def _settings(served: Endpoint, timeout_s: float = 10, attempts: int = 2) -> ModelSettings:
    return ModelSettings(
        model="test-model",
        base_url=served.base_url,
        api_key=KEY,
        timeout_s=timeout_s,
        attempts=attempts,
    )


async def _trouble(*script: Reply, timeout_s: float = 10) -> tuple[str, Endpoint]:
    with endpoint(*script) as served:
        with pytest.raises(JudgementError) as caught:
            await chat_of(_settings(served, timeout_s)).reply(ASKED, schema=Move)
        assert KEY not in str(caught.value)
        return caught.value.message, served


async def test_a_structured_answer() -> None:
    with endpoint(Says({"to": "plan", "because": "it is time"})) as served:
        reply = await chat_of(_settings(served)).reply(ASKED, schema=Move)
    assert json.loads(reply.message.content) == {"to": "plan", "because": "it is time"}
    assert (reply.model, reply.finish) == ("test-model", "stop")
    assert reply.tokens.prompt > 50
    assert reply.tokens.cached == reply.tokens.prompt // 2
    assert 5 < reply.tokens.completion < 50
    assert not reply.tokens.estimated
    (request,) = served.requests
    assert request["model"] == "test-model"
    assert [m["role"] for m in request["messages"]] == ["system", "user"]
    assert request["response_format"]["json_schema"]["strict"] is True
    assert request["max_completion_tokens"] == 1024
    assert served.keys == [f"Bearer {KEY}"]


async def test_tables_with_free_keys_are_asked_for_without_strict() -> None:
    with endpoint(Says({"values": {"lr": 0.1, "batch": 32, "nesterov": True}})) as served:
        reply = await chat_of(_settings(served)).reply(ASKED, schema=Proposal)
    assert json.loads(reply.message.content)["values"] == {"lr": 0.1, "batch": 32, "nesterov": True}
    assert not served.requests[0]["response_format"]["json_schema"]["strict"]


async def test_one_model_serves_several_event_loops() -> None:
    with endpoint(Says({"to": "plan", "because": ""})) as served:
        chat = chat_of(_settings(served))
        for _ in range(3):
            reply = await asyncio.to_thread(lambda: asyncio.run(chat.reply(ASKED, schema=Move)))
            assert "plan" in reply.message.content


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Says('{"to": "pl', finish_reason="length"), "cut off at max_tokens"),
        (Says("", finish_reason="content_filter"), "content filter"),
        (Refuses(), "the model refused to answer"),
        (Status(401, message=f"Incorrect API key provided: {KEY}"), "answered 401"),
        (Status(404), "answered 404: it does not know the model test-model"),
        (Status(400, message="context length exceeded"), "answered 400"),
        (Status(429, retry_after_s=0.01), "answered 429: it is overloaded"),
        (Status(500, retry_after_s=0.01), "answered 500: it failed"),
        (Status(502, retry_after_s=0.01), "answered 502: it failed"),
        (Breaks("garbage"), "no usable answer"),
        (Breaks("no_choices"), "no usable answer"),
    ],
)
async def test_faults_are_short_reasons_without_the_key(reply: Reply, said: str) -> None:
    message, served = await _trouble(reply)
    assert said in message
    assert len(message) < 310
    assert len(served.requests) <= 3


@pytest.mark.parametrize("how", ["close", "truncate"])
async def test_a_broken_connection(how: str) -> None:
    message, _ = await _trouble(Breaks("close" if how == "close" else "truncate"))
    assert message == "the endpoint can't be reached, or closed the connection"


async def test_no_endpoint_at_all() -> None:
    with endpoint(Says({})) as served:
        gone = _settings(served)
    with pytest.raises(JudgementError, match="can't be reached"):
        await chat_of(gone).reply(ASKED, schema=Move)


async def test_silence_ends_at_the_time_limit() -> None:
    start = perf_counter()
    message, _ = await _trouble(Breaks("hang"), timeout_s=0.5)
    assert message in ("no answer within 0.5 s", "the endpoint did not answer in time")
    assert perf_counter() - start < 5


async def test_retry_after_is_honoured_within_the_time_limit() -> None:
    start = perf_counter()
    with endpoint(Status(429, retry_after_s=0.7), Says({"to": "x", "because": ""})) as served:
        reply = await chat_of(_settings(served)).reply(ASKED, schema=Move)
    assert "x" in reply.message.content
    assert 0.6 < perf_counter() - start < 5
    message, served = await _trouble(Status(429, retry_after_s=30), timeout_s=0.5)
    assert message == "no answer within 0.5 s"
    assert len(served.requests) == 1


async def test_a_bad_answer_is_explained_and_asked_for_again() -> None:
    with endpoint(Says({"to": "nowhere", "because": ""}), Says({"to": "plan", "because": ""})) as s:
        verdict = await build_judge(Settings(models={"default": _settings(s)})).ask(
            NEXT, Question(text="?")
        )
    assert verdict.answer.to == "plan"
    assert verdict.by == "model:test-model"
    assert verdict.fallbacks == ("there is no move 'nowhere'",)
    assert "there is no move 'nowhere'" in s.requests[1]["messages"][-1]["content"]
    assert s.requests[1]["messages"][:2] == s.requests[0]["messages"]


async def test_after_bounded_tries_the_rule_answers_and_says_why() -> None:
    with endpoint(Refuses(), Says("{}"), Says({"to": "too late", "because": ""})) as served:
        verdict = await build_judge(Settings(models={"coordinator": _settings(served)})).ask(
            NEXT, Question(text="?")
        )
    assert verdict.answer.to == "the rule's"
    assert verdict.by == "rule"
    assert verdict.fallbacks[0] == "the model refused to answer"
    assert "the answer does not fit, field to" in verdict.fallbacks[1]
    assert len(served.requests) == 2


async def test_without_models_the_rule_answers() -> None:
    verdict = await build_judge(Settings()).ask(NEXT, Question(text="?"))
    assert (verdict.by, verdict.fallbacks) == ("rule", ())


def test_settings_that_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="has no key"):
        chat_of(ModelSettings(model="gpt-x"))
    with pytest.raises(SettingsError, match="no such agent"):
        build_judge(Settings(models={"janitor": ModelSettings(model="m", base_url="http://x")}))
    chat_of(ModelSettings(model="local", base_url="http://127.0.0.1:1/v1"))
