"""The chat against every fault of an endpoint, over HTTP.

Each message is answered: by the model where a right answer got through, else by rule with the
reason; no tool is called with arguments that were not checked, and nothing is changed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from desk.chat.building import coordinator
from desk.web.access import Caller
from desk.wiring import Opened
from evals.chat.home import fill
from evals.endpoint import Calls, Reply, Says, endpoint
from evals.endpoint_faults import CALL_FAULTS, FAULTS, CallFault, Fault
from labcrew.domain.conversation import ChatMessage
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.settings import ModelSettings, Settings
from tests.desk.conftest import HandClock
from tests.faulty import KEY, model_at

pytestmark = pytest.mark.timeout(300)  # whoever says nothing says it until the test is over
ADA = Caller(name="ada", role="approver")
ASKS = Calls((("status", {"tickets": ["T-002"]}),))
TOOLS = {"read_file": "status", "write_file": "pause", "finish": "decide"}
"""The chat's tools, in the place of the code loop's."""
MOST_REQUESTS = 14


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A home that no test changes."""
    import langchain_openai  # noqa: F401 - its import takes longer than the time limits

    home = Home(tmp_path_factory.mktemp("chat") / "home")
    home.create()
    clock = HandClock()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        opened = Opened(home, Settings(), ledger, clock)
        fill(opened)
        yield opened


async def said(lab: Opened, model: ModelSettings) -> ChatMessage:
    """The reply to a question, nothing but which is new in the lab."""
    talking = coordinator(replace(lab, settings=Settings(models={"coordinator": model})))
    thread = talking.threads.open("ada").id
    before = standing(lab)
    reply = await talking.say(thread, "how is T-002?", ADA)
    assert standing(lab) == before
    assert not reply.proposal
    return reply


def standing(lab: Opened) -> list[Any]:
    """All that a chat could change."""
    ledger = lab.ledger
    return [ledger.tickets.all(), ledger.gates.all(), ledger.decisions.all()]


def told(reply: ChatMessage) -> str:
    return " ".join([reply.text, *(statement.text for statement in reply.statements)])


def right(body: dict[str, Any]) -> Says | Calls:
    answered = any(message["role"] == "tool" for message in body["messages"])
    return Says("T-002 is running.") if answered else ASKS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_message_is_answered_whatever_the_endpoint_does(lab: Opened, fault: Fault) -> None:
    with fault.served(right) as served:
        reply = await said(lab, model_at(served.base_url, fault))
        assert len(served.requests) <= MOST_REQUESTS
    assert "T-002" in told(reply)
    assert KEY not in told(reply) + reply.note
    if fault.harmless:
        assert (reply.by, reply.text, reply.note) == ("model:test-model", "T-002 is running.", "")
    elif fault.kinds:
        assert (reply.by, reply.text) == ("rule", "")
        assert reply.note.startswith("The chat model did not answer: ")
        assert len(reply.note) < 400
        assert reply.note.isprintable()
    else:
        assert reply.text in ("", "Sure! T-002 is running.")
        assert reply.note or reply.text


@pytest.mark.parametrize("fault", CALL_FAULTS, ids=lambda fault: fault.name)
async def test_no_call_is_made_that_was_not_checked(lab: Opened, fault: CallFault) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        reply = fault.reply(len(served.requests))
        if not isinstance(reply, Calls):
            return reply
        return replace(reply, calls=tuple((TOOLS.get(n, n), said) for n, said in reply.calls))

    with endpoint(answers=answer) as served:
        reply = await said(lab, model_at(served.base_url))
        assert len(served.requests) <= MOST_REQUESTS
    assert "T-002" in told(reply)
    assert (reply.by, reply.text) == ("rule", "")
    assert "the rule's answer" in reply.note
