"""Every fault of an endpoint, over HTTP: how a call ends, and that every judgement is answered."""

import asyncio
import json
from typing import Any

import pytest

from desk.models import build_judge, chat_of
from evals.endpoint import Says
from evals.endpoint_faults import FAULTS, Fault
from evals.judgement_examples import examples
from labcrew.domain.base import Model, canonical_json
from labcrew.domain.chat import ChatModel, Message, Reply
from labcrew.errors import ModelFailure
from labcrew.settings import Settings
from tests.faulty import KEY, model_at

pytestmark = pytest.mark.timeout(300)  # whoever says nothing says it until the test is over
ASKED = (Message(role="system", content="Be brief."), Message(role="user", content="{}"))
RULED = {
    judgement.name: judgement.rule(question).model_dump_json() for judgement, question in examples()
}


class Move(Model):
    to: str


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """The client's library, whose import takes longer than these time-outs."""
    import langchain_openai  # noqa: F401


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 25
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_call_ends_as_it_should(fault: Fault) -> None:
    with fault.served(lambda body: Says({"to": "plan"})) as served:
        reply, failure = await _outcome(chat_of(model_at(served.base_url, fault)))
    if failure is not None:
        assert failure.kind in fault.kinds
        assert len(failure.message) < 400
        assert failure.message.isprintable()
        assert KEY not in str(failure)
    else:
        assert reply is not None
        assert not fault.kinds
        assert len(reply.message.content) < 1_000_000
        assert reply.tokens.total < 100_000
        assert len({call.id for call in reply.message.calls}) == len(reply.message.calls)
        if fault.harmless:
            assert json.loads(reply.message.content) == {"to": "plan"}
    assert len(served.requests) <= 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_every_judgement_is_answered(fault: Fault) -> None:
    """By its rule, unless the right answer got through."""
    answers: dict[str, str] = {}

    def right(body: dict[str, Any]) -> Says:
        return Says(answers[body["messages"][1]["content"]])

    asked = list(examples())
    for judgement, question in asked:
        answers[_sent(question)] = RULED[judgement.name]
    with fault.served(right) as served:
        chat = model_at(served.base_url, fault, attempts=1)
        judge = build_judge(Settings(models={"default": chat}))
        verdicts = await asyncio.gather(*(judge.ask(j, q) for j, q in asked))
        calls = len(served.requests)
    for (judgement, question), verdict in zip(asked, verdicts, strict=True):
        assert verdict.answer == judgement.rule(question)
        assert verdict.by == ("model:test-model" if fault.harmless else "rule"), judgement.name
        assert bool(verdict.fallbacks) != fault.harmless
        assert len(verdict.fallbacks) <= 1
        for told in verdict.fallbacks:
            assert KEY not in told
            assert len(told) < 400
    assert calls <= 2 * len(asked)


async def _outcome(chat: ChatModel) -> tuple[Reply | None, ModelFailure | None]:
    try:
        return await chat.reply(ASKED, schema=Move), None
    except ModelFailure as failure:
        return None, failure


def _sent(question: Any) -> str:
    return canonical_json(question.model_dump(mode="json"))
