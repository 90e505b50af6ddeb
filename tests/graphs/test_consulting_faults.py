"""Agents that look things up, against every fault of an endpoint, over HTTP.

The question is answered by its rule, unless the right answer got through; no outside tool is called
with arguments that do not fit it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desk.models import chat_of
from evals.endpoint import Calls, Reply, Says, endpoint
from evals.endpoint_faults import CALL_FAULTS, FAULTS, CallFault, Fault
from graphs.consulting import MOST_REPLIES
from tests.doubles.bench import make_bench
from tests.faulty import KEY, model_at
from tests.graphs.test_consulting import ANSWER, ask, notes, used
from tests.tickets import make_assigned
from tools.mcp_offers import offered_name
from tools.toolbox import Workbench

pytestmark = pytest.mark.timeout(300)  # whoever says nothing says it until the test is over
FIND = offered_name("notes", "find_notes")
LOOKED = [("notes", {"topic": "rates"})]


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """The client's library, whose import takes longer than the time limits."""
    import langchain_openai  # noqa: F401


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    made = make_bench(tmp_path)
    made.ledger.tickets.put(make_assigned(), actor="person:ada")
    yield made
    made.ledger.close()


def right(body: dict[str, Any]) -> Says | Calls:
    if "tools" not in body:
        return Says(ANSWER)
    looked = any(message["role"] == "tool" for message in body["messages"])
    return Says("enough") if looked else Calls(((FIND, {"topic": "rates"}),))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_question_is_answered_whatever_the_endpoint_does(bench: Workbench, fault: Fault) -> None:
    outside = notes()
    with fault.served(right) as served:
        chat = chat_of(model_at(served.base_url, fault))
        verdict = ask(bench, outside, chat, timeout_s=60)
        assert len(served.requests) <= 2 * (MOST_REPLIES + 2)
    assert verdict.by == ("model:test-model" if fault.harmless else "rule")
    assert bool(verdict.fallbacks) != fault.harmless
    assert all(len(told) < 400 and KEY not in told for told in verdict.fallbacks)
    if fault.harmless:
        assert outside.heard == LOOKED
    elif fault.kinds:
        assert outside.heard == []
    else:
        assert outside.heard in ([], LOOKED)
    assert len([one for one in used(bench) if one[2] == "done"]) == len(outside.heard)


@pytest.mark.parametrize("fault", CALL_FAULTS, ids=lambda fault: fault.name)
def test_no_outside_tool_is_called_that_was_not_checked(bench: Workbench, fault: CallFault) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        if "tools" not in body:
            return Says(ANSWER)
        reply = fault.reply(len(served.requests))
        if not isinstance(reply, Calls):
            return reply
        known = ("read_file", "write_file", "finish")
        calls = tuple((FIND if name in known else name, said) for name, said in reply.calls)
        return replace(reply, calls=calls)

    outside = notes()
    with endpoint(answers=answer) as served:
        verdict = ask(bench, outside, chat_of(model_at(served.base_url)), timeout_s=60)
        assert len(served.requests) <= MOST_REPLIES + 1
    assert outside.heard == []
    assert (verdict.by, verdict.looked_up) == ("model:test-model", "")
