"""Each retry and fallback of a call is checked against the budget before it is sent."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desk.models import EndpointChat, chat_of
from desk.models.fallback import FallbackChat
from evals.endpoint import Breaks, Endpoint, Says, Status, Streams, endpoint
from labcrew import calling
from labcrew.domain.chat import ChatModel, Reply
from labcrew.domain.spending import Bounds, Price
from labcrew.errors import ModelFailure
from labcrew.metered import MeteredChat
from labcrew.spending import INTERRUPTED, total
from tests.desk.models.scripted import ASKED, READ, settings
from tests.doubles.counted_chat import DoubleChat
from tests.labcrew.test_spending import Lab

MOST = 200
HUNG_S = 0.5
"""Long enough for a busy machine to have taken the request."""
CUT = Streams(({"choices": [{"index": 0, "delta": {"content": "half an answer, "}}]},), then="cut")
"""What it used is not told: it is estimated."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(
        tmp_path, {"dear": Price(prompt=30, completion=60), "cheap": Price(prompt=1, completion=2)}
    )
    yield made
    made.ledger.close()


def chat(served: Endpoint, **changes: Any) -> ChatModel:
    made = {"max_tokens": MOST, "retries": 2, "retry_wait_s": 0.01} | changes
    return chat_of(settings(served.base_url, **made))


async def upper_bound(folder: Path) -> int:
    """Tokens that are set aside for one request."""
    folder.mkdir()
    lab = Lab(folder)
    with endpoint(Breaks("hang")) as served:
        hung = chat(served, retries=0, first_token_s=HUNG_S)
        with pytest.raises(ModelFailure):
            await MeteredChat(hung, lab.desk()).reply(ASKED)
    (call,) = lab.calls()
    lab.ledger.close()
    return call.tokens.total


@pytest.mark.parametrize("fits", [1, 2, 3, 4])
async def test_no_more_is_sent_than_fits(lab: Lab, tmp_path: Path, fits: int) -> None:
    """Each of them may have used all that it could: nothing is heard of it."""
    one = await upper_bound(tmp_path / "one")
    lab.bounds = Bounds(tokens=fits * one + one // 2)
    with endpoint(Breaks("hang")) as first, endpoint(Breaks("hang")) as second:
        chats = [chat(served, first_token_s=HUNG_S) for served in (first, second)]
        with pytest.raises(ModelFailure, match="model_tokens allows") as refused:
            await MeteredChat(FallbackChat(chats), lab.desk()).reply(ASKED)
        sent = len(first.requests) + len(second.requests)
    assert refused.value.kind == "over_budget"
    assert sent == fits
    (call,) = lab.calls()
    assert call.tokens.total == fits * one <= lab.bounds.tokens
    assert call.estimated
    assert lab.kinds().count("spending.exhausted") == 1
    assert lab.account().held() == 0


async def test_what_was_turned_away_leaves_room(lab: Lab, tmp_path: Path) -> None:
    one = await upper_bound(tmp_path / "one")
    lab.bounds = Bounds(tokens=one + 10)
    with endpoint(Status(429), Status(503), Says("yes")) as served:
        reply = await MeteredChat(chat(served), lab.desk()).reply(ASKED)
        assert len(served.requests) == 3
    assert reply.message.content == "yes"
    (call,) = lab.calls()
    assert call.tokens == reply.tokens


async def test_what_nobody_counted_counts_beside_the_answer(lab: Lab, tmp_path: Path) -> None:
    one = await upper_bound(tmp_path / "one")
    with endpoint(Breaks("hang"), Says("yes")) as served:
        reply = await MeteredChat(chat(served, first_token_s=HUNG_S), lab.desk()).reply(ASKED)
    (call,) = lab.calls()
    assert call.tokens.total == one + reply.tokens.total
    assert call.estimated


async def test_each_is_paid_at_the_price_of_its_own_model(lab: Lab) -> None:
    with endpoint(CUT) as first, endpoint(Says("yes")) as second:
        chats = [
            chat(first, model="dear", retries=0),
            chat(second, model="cheap", retries=0),
        ]
        reply = await MeteredChat(FallbackChat(chats), lab.desk()).reply(ASKED)
    (call,) = lab.calls()
    assert call.model == reply.model == "cheap"
    assert call.tokens == reply.tokens
    assert call.usd is not None
    # The dear one was sent the same prompt, at many times the price.
    assert call.usd > 5 * lab.prices["cheap"].of(reply.tokens)


async def test_a_model_without_a_price_costs_no_other_ones(lab: Lab) -> None:
    """The one that was asked first used nothing, or something: that alone is paid."""
    del lab.prices["cheap"]  # type: ignore[attr-defined]
    lab.bounds = Bounds(tokens=10**6, usd=1)
    for said in (Status(429), CUT):
        with endpoint(said) as first, endpoint(Says("yes")) as second:
            chats = [
                chat(first, model="dear", retries=0),
                chat(second, model="cheap", retries=0),
            ]
            await MeteredChat(FallbackChat(chats), lab.desk()).reply(ASKED)
    free, mixed = lab.calls()
    assert (free.usd, free.unpriced) == (None, free.tokens.total)
    assert 0 < mixed.unpriced < mixed.tokens.total
    assert mixed.usd is not None
    assert mixed.usd > lab.prices["dear"].prompt * 1e-6
    spent = total(lab.account().spent())
    assert (spent.usd, spent.unpriced) == (mixed.usd, free.unpriced + mixed.unpriced)
    assert lab.kinds().count("spending.unpriced") == 1


async def test_a_cancelled_call_is_paid_by_who_was_asked(lab: Lab) -> None:
    del lab.prices["cheap"]  # type: ignore[attr-defined]

    class Left(DoubleChat):
        names = ("dear", "cheap")

        async def reply(self, *_: Any, **__: Any) -> Reply:
            meter = calling.meter()
            meter.begin("dear")
            meter.failed(ModelFailure("429", kind="rate_limited"))
            meter.begin("cheap")
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await MeteredChat(Left(), lab.desk()).reply(ASKED)
    (call,) = lab.calls()
    assert (call.usd, call.estimated) == (None, True)
    assert call.unpriced == call.tokens.total > 0


async def test_money_bounds_the_next_one(lab: Lab) -> None:
    with endpoint(Breaks("hang")) as first, endpoint(Says("yes")) as second:
        chats = [
            chat(first, model="dear", retries=0, first_token_s=HUNG_S),
            chat(second, model="cheap", retries=0),
        ]
        lab.bounds = Bounds(tokens=10**6, usd=0.02)
        with pytest.raises(ModelFailure, match="model_usd allows") as refused:
            await MeteredChat(FallbackChat(chats), lab.desk()).reply(ASKED)
        assert refused.value.kind == "over_budget"
        assert not second.requests
    (call,) = lab.calls()
    assert call.usd is not None
    assert 0 < call.usd <= lab.bounds.usd  # type: ignore[operator]


async def test_an_endpoint_without_tools_is_sent_two(lab: Lab, tmp_path: Path) -> None:
    said = Status(400, message="tools are not supported")
    with endpoint(said, Says({"text": "", "action": None})) as served:
        asked = MeteredChat(chat(served, tools="auto"), lab.desk())
        reply = await asked.reply(ASKED, tools=[READ])
        assert len(served.requests) == 2
    (call,) = lab.calls()
    assert call.tokens.total > reply.tokens.total


async def test_killed_in_a_retry_all_requests_count(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    one = await upper_bound(tmp_path / "one")
    hears, times = EndpointChat._hear, 0

    async def killed_then(self: EndpointChat, *rest: Any) -> None:
        nonlocal times
        times += 1
        if times == 2:
            raise Killed
        await hears(self, *rest)

    with endpoint(Breaks("hang")) as served, monkeypatch.context() as patch:
        patch.setattr(EndpointChat, "_hear", killed_then)
        with pytest.raises(Killed):
            await MeteredChat(chat(served, first_token_s=HUNG_S), lab.desk()).reply(ASKED)
    lab.account()
    (call,) = lab.calls()
    assert call.outcome == INTERRUPTED
    assert call.tokens.total == 2 * one
