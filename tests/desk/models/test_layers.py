"""Retries and fallbacks, as layers round one port."""

import math
from typing import Any

import pytest

from desk.models import chat_of
from desk.models.fallback import FallbackChat
from desk.models.retrying import RetryingChat
from evals.endpoint import Says, Status, endpoint
from labcrew.domain.chat import FailureKind, Manner, Message, Reply, Tokens
from labcrew.errors import ModelFailure
from tests.desk.models.scripted import ASKED, settings
from tests.doubles.chat import ScriptedChat


def failure(kind: FailureKind, retry_after_s: float | None = None, used: int = 0) -> ModelFailure:
    tokens = Tokens(prompt=used) if used else None
    return ModelFailure(kind, kind=kind, retry_after_s=retry_after_s, tokens=tokens)


def reply(name: str = "scripted") -> Reply:
    message = Message(role="assistant", content="done")
    return Reply(message=message, model=name, tokens=Tokens(prompt=10, completion=2))


class Slept:
    """Waits at once, and keeps for how long."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def retrying(*answers: Any, **changes: Any) -> tuple[RetryingChat, ScriptedChat, Slept]:
    chat, slept = ScriptedChat(*answers), Slept()
    limits: dict[str, Any] = {"retries": 3, "longest_wait_s": 5, "timeout_s": 60} | changes
    return RetryingChat(chat, sleep=slept, **limits), chat, slept


async def test_what_may_pass_is_asked_again_after_longer_and_longer_waits() -> None:
    chat, asked, slept = retrying(
        failure("unavailable"), failure("timed_out", used=5), failure("rate_limited", 2), reply()
    )
    answered = await chat.reply(ASKED)
    assert slept.waits == [0.5, 1, 2]
    assert answered.tokens == Tokens(prompt=15, completion=2)
    assert len(asked.asked) == 4
    chat, _, slept = retrying(failure("unavailable"), retries=6)
    with pytest.raises(ModelFailure):
        await chat.reply(ASKED)
    assert slept.waits == [0.5, 1, 2, 4, 5, 5]


@pytest.mark.parametrize(
    "kind",
    ["unauthorised", "unknown_model", "too_long", "cut_off", "refused", "invalid", "over_budget"],
)
async def test_what_asking_again_cannot_mend_is_not_asked_again(kind: FailureKind) -> None:
    chat, asked, _ = retrying(failure(kind))
    with pytest.raises(ModelFailure) as caught:
        await chat.reply(ASKED)
    assert (caught.value.kind, len(asked.asked)) == (kind, 1)


@pytest.mark.parametrize("asks_for", [5.1, 3600, math.inf])
async def test_an_endpoint_that_asks_for_too_long_a_wait_is_left(asks_for: float) -> None:
    chat, asked, slept = retrying(failure("rate_limited", asks_for))
    with pytest.raises(ModelFailure) as caught:
        await chat.reply(ASKED)
    assert caught.value.retry_after_s == asks_for
    assert (len(asked.asked), slept.waits) == (1, [])


async def test_all_calls_and_waits_end_at_the_time_limit() -> None:
    chat = RetryingChat(
        ScriptedChat(failure("unavailable"), None), retries=9, longest_wait_s=0.01, timeout_s=0.1
    )
    with pytest.raises(ModelFailure, match=r"within 0.1 s; before: unavailable") as caught:
        await chat.reply(ASKED)
    assert caught.value.kind == "timed_out"


async def test_retry_after_is_respected_over_http() -> None:
    with endpoint(Status(429, retry_after_s=0.3), Says("yes")) as served:
        answered = await chat_of(settings(served.base_url, retry_wait_s=1)).reply(ASKED)
        assert answered.message.content == "yes"
        assert len(served.requests) == 2


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
async def test_a_longer_wait_is_kept_to_by_later_questions(status: int) -> None:
    with endpoint(Status(status, retry_after_s=300), Says("yes")) as served:
        chat = chat_of(settings(served.base_url))
        for _ in range(3):
            with pytest.raises(ModelFailure) as caught:
                await chat.reply(ASKED)
        assert (caught.value.kind, len(served.requests)) == ("rate_limited", 1)
        assert "no request for" in caught.value.message


async def test_an_endpoint_is_asked_again_once_its_wait_is_over() -> None:
    clock = Clock()
    chat, asked, slept = retrying(failure("rate_limited", 3600), reply(), clock=clock)
    with pytest.raises(ModelFailure):
        await chat.reply(ASKED)
    clock.now += 700
    with pytest.raises(ModelFailure, match="2900 s more"):
        await chat.reply(ASKED)
    assert len(asked.asked) == 1
    clock.now += 2898
    assert (await chat.reply(ASKED)).message.content == "done"
    assert slept.waits == [2]


async def test_a_wait_for_ever_is_one_of_an_hour() -> None:
    clock = Clock()
    chat, asked, _ = retrying(failure("rate_limited", 1e9), reply(), clock=clock)
    for later in (0, 3590):
        clock.now += later
        with pytest.raises(ModelFailure):
            await chat.reply(ASKED)
    assert len(asked.asked) == 1
    clock.now += 11
    assert (await chat.reply(ASKED)).message.content == "done"


async def test_a_copy_in_another_manner_keeps_to_the_wait() -> None:
    asked = Sampling(failure("rate_limited", 3600))
    chat = RetryingChat(asked, retries=0, longest_wait_s=5, timeout_s=60)
    for seed in (1, 2):
        with pytest.raises(ModelFailure):
            await chat.in_manner(Manner(seed=seed)).reply(ASKED)
    assert len(asked.asked) == 1


async def test_a_used_up_quota_is_looked_at_again() -> None:
    chat, asked, _ = retrying(failure("rate_limited", math.inf), reply())
    with pytest.raises(ModelFailure):
        await chat.reply(ASKED)
    assert (await chat.reply(ASKED)).message.content == "done"
    assert len(asked.asked) == 2


async def test_the_next_one_is_asked_where_one_fails() -> None:
    first = ScriptedChat(failure("refused", used=7), name="a")
    second = ScriptedChat(reply("b"), name="b")
    answered = await FallbackChat([first, second]).reply(ASKED)
    assert (answered.model, answered.tokens.prompt) == ("b", 17)


async def test_where_all_fail_each_is_named() -> None:
    chats = [
        ScriptedChat(failure("unavailable", used=1), name="a"),
        ScriptedChat(failure("rate_limited", 9, used=2), name="b"),
    ]
    with pytest.raises(ModelFailure) as caught:
        await FallbackChat(chats).reply(ASKED)
    assert caught.value.message == "a: unavailable; b: rate_limited"
    assert (caught.value.kind, caught.value.retry_after_s) == ("rate_limited", 9)
    assert caught.value.tokens == Tokens(prompt=3)


@pytest.mark.parametrize(
    ("said", "kind", "kept"),
    [
        (("a begins", "b begins"), "cut_off", "b begins"),
        (("a begins", ""), "cut_off", "a begins"),
        (("a begins", None), "cut_off", "a begins"),
        ((None, "b begins"), "cut_off", "b begins"),
        (("", None), "unavailable", ""),
    ],
)
async def test_what_was_written_of_a_cut_off_answer_is_kept_where_all_fail(
    said: tuple[str | None, ...], kind: FailureKind, kept: str
) -> None:
    """None: it can't be reached."""
    chats = [
        ScriptedChat(
            failure("unavailable")
            if text is None
            else ModelFailure("too long", kind="cut_off", said=text),
            name=name,
        )
        for name, text in zip("ab", said, strict=True)
    ]
    with pytest.raises(ModelFailure, match=r"a: .*; b: ") as caught:
        await FallbackChat(chats).reply(ASKED)
    assert (caught.value.kind, caught.value.said) == (kind, kept)


async def test_an_endpoint_that_failed_rests() -> None:
    clock = Clock()
    first = ScriptedChat(failure("unavailable"), reply("a"), name="a")
    second = ScriptedChat(reply("b"), name="b")
    chat = FallbackChat([first, second], clock)
    said = [(await chat.reply(ASKED)).model for _ in range(2)]
    clock.now += 61
    said.append((await chat.reply(ASKED)).model)
    assert said == ["b", "b", "a"]
    assert len(first.asked) == 2


class Sampling(ScriptedChat):
    def in_manner(self, manner: Manner) -> "Sampling":
        return self


async def test_a_copy_in_another_manner_knows_who_rests() -> None:
    first = Sampling(failure("unavailable"), reply("a"), name="a")
    chat = FallbackChat([first, Sampling(reply("b"), name="b")], Clock())
    assert (await chat.in_manner(Manner(seed=1)).reply(ASKED)).model == "b"
    assert (await chat.in_manner(Manner(seed=2)).reply(ASKED)).model == "b"
    assert len(first.asked) == 1


async def test_while_all_rest_they_are_asked_all_the_same() -> None:
    chats = [
        ScriptedChat(failure("unavailable"), reply("a"), name="a"),
        ScriptedChat(failure("rate_limited", 3600), name="b"),
    ]
    chat = FallbackChat(chats, Clock())
    with pytest.raises(ModelFailure):
        await chat.reply(ASKED)
    assert (await chat.reply(ASKED)).model == "a"


async def test_a_budget_is_everybodys() -> None:
    second = ScriptedChat(reply("b"), name="b")
    with pytest.raises(ModelFailure):
        await FallbackChat([ScriptedChat(failure("over_budget"), name="a"), second]).reply(ASKED)
    assert second.asked == []


async def test_a_conversation_goes_on_at_an_endpoint_without_tools() -> None:
    from tests.desk.models.scripted import READ, WORKED

    action = {"text": "", "action": {"tool": "read_file", "arguments": {"path": "b"}}}
    with endpoint(Status(503)) as broken, endpoint(Says(action)) as local:
        chat = FallbackChat(
            [
                chat_of(settings(broken.base_url, model="big")),
                chat_of(settings(local.base_url, model="small", tools="schema")),
            ]
        )
        assert chat.native_tools
        answered = await chat.reply(WORKED, tools=(READ,))
    assert answered.model == "small"
    assert answered.message.calls[0].name == "read_file"
    assert len(broken.requests) == 2
