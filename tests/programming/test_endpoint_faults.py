"""The loop that writes code against every fault of an endpoint, over HTTP.

It ends as a ticket that is parked with a clear message, or as a patch that was given up, or as one
that mends the code where a right answer got through; no tool runs on arguments that were not
checked, and else nothing is changed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.programming import prompts
from agents.programming.edits import EditError, edited
from desk.models import chat_of
from evals.endpoint import Calls, Says, endpoint
from evals.endpoint_faults import CALL_FAULTS, FAULTS, CallFault, Fault
from graphs.nodes.code import investigated
from labcrew.errors import LabcrewError
from tests.effort import assert_proportionate
from tests.faulty import KEY, model_at
from tests.programming.sessions import MENDED, SPLIT, ledger_at
from tests.programming.test_calling import MEND
from tests.programming.test_machine import Bench

STEPS = 4
WAYS = [("direct", "auto"), ("tools", "auto"), ("tools", "schema")]
"""The loop's style, and how its model's settings ask for tools."""
STOPS = {"rate_limited", "unavailable", "timed_out", "unauthorised", "unknown_model"}
"""Failures that stop a ticket until a person retries it; others are a step without an answer."""


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """The client's library, whose import takes longer than these time limits."""
    import langchain_openai  # noqa: F401


def right(body: dict[str, Any]) -> Says | Calls:
    """What mends the code, a step at a time, in the way that is asked for."""
    messages = body["messages"]
    if messages[0]["content"].startswith(prompts.CRITIC[:40]):
        return Says({"problems": []})
    begun = any(message["role"] == "assistant" for message in messages)
    name, arguments = ("finish", {"summary": "Mended."}) if begun else MEND
    if "tools" in body:
        return Calls(((name, arguments),))
    if "response_format" in body:
        return Says({"thought": "So it is.", "action": {"tool": name, "arguments": arguments}})
    return Says(MENDED)


@pytest.mark.timeout(300)  # a server that says nothing says it until the test is over
@pytest.mark.parametrize(("style", "tools"), WAYS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_loop_ends_whatever_the_endpoint_does(
    tmp_path: Path, fault: Fault, style: str, tools: str
) -> None:
    with ledger_at(tmp_path) as ledger, fault.served(right) as served:
        chat = chat_of(model_at(served.base_url, fault, tools=tools))
        bench = Bench(ledger, "write_code", chat, style, budget={"steps": STEPS})
        parked = ""
        try:
            await bench.to_the_end()
        except LabcrewError as error:
            parked = error.message
        patch = ledger.patches.find("T-0001-C0")
    assert len(served.requests) <= 2 * STEPS + 4
    assert chat.native_tools == (tools != "schema")
    if parked:
        assert set(fault.kinds) & STOPS
        assert "can't be used now" in parked
        assert "labcrew ticket retry T-0001" in parked
        assert parked.isprintable()
        assert KEY not in parked
        assert patch is None
    else:
        assert not fault.kinds or set(fault.kinds) - STOPS
        assert patch is not None
        assert patch.steps <= STEPS
    if patch is not None and patch.status == "ready":
        assert not set(fault.kinds) - {"cut_off"}
        assert [file.path for file in patch.files] == ["data.py"]
        assert b"rows[:cut], rows[cut:]" in patch.files[0].content
    else:
        assert not fault.harmless
        assert bench.hands.used == []
        assert bench.hands.changed == {}
        assert patch is None or patch.because


@pytest.mark.timeout(300)  # a server that says nothing says it until the test is over
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_look_before_a_plan_ends_whatever_the_endpoint_does(
    tmp_path: Path, fault: Fault
) -> None:
    def seen(body: dict[str, Any]) -> Calls:
        return Calls((("finish", {"summary": "split in data.py"}),))

    with ledger_at(tmp_path) as ledger, fault.served(seen) as served:
        chat = chat_of(model_at(served.base_url, fault))
        bench = Bench(ledger, "investigate", chat, "tools", budget={"steps": STEPS})
        parked = ""
        try:
            await bench.run()
        except LabcrewError as error:
            parked = error.message
        found = investigated(bench.work, bench.work.assigned("T-0001"), 0)
    assert len(served.requests) <= 2 * STEPS
    assert bench.hands.changed == {}
    if parked:
        assert set(fault.kinds) & STOPS
        assert "labcrew ticket retry T-0001" in parked
        assert found is None
        return
    assert not fault.kinds or set(fault.kinds) - STOPS
    assert found is not None
    assert found.files == ("data.py",)
    if found.by == "rule":
        assert not fault.harmless
        assert bench.hands.used == []
    else:
        assert not fault.kinds
        assert found.summary == "split in data.py"


@pytest.mark.parametrize("tools", ["auto", "native", "schema"])
@pytest.mark.parametrize("fault", CALL_FAULTS, ids=lambda fault: fault.name)
async def test_no_tool_runs_on_arguments_that_were_not_checked(
    tmp_path: Path, fault: CallFault, tools: str
) -> None:
    with endpoint(answers=lambda body: fault.reply(len(served.requests))) as served:
        chat = chat_of(model_at(served.base_url, tools=tools))
        with ledger_at(tmp_path) as ledger:
            bench = Bench(ledger, "write_code", chat, "tools", budget={"steps": STEPS})
            await bench.to_the_end()
            patch = ledger.patches.get("T-0001-C0")
    assert patch.status == "gave_up"
    assert patch.because
    assert patch.steps <= STEPS
    assert patch.files == ()
    assert bench.hands.files == {"data.py": SPLIT}
    assert bench.hands.changed == {}
    ran = {used.rpartition(" ")[2] for used in bench.hands.used}
    assert ran <= set(fault.runs)
    assert chat.native_tools == (tools != "schema")


@pytest.mark.parametrize(
    "said",
    [
        lambda size: "<<<<< SEARCH\n" * (size // 130) + "=====\n" * (size // 13),
        lambda size: "<<<<< SEARCH\n=====\n" * (size // 25),
        lambda size: "```x\n" * (size // 5),
        lambda size: "~~~~~~~\n```\n" * (size // 14),
        lambda size: "1 |" * (size // 3),
        lambda size: " " * size,
    ],
    ids=lambda said: said(200)[:12],
)
def test_an_edit_costs_no_more_than_its_length_to_read(said: Callable[[int], str]) -> None:
    def read(text: str) -> None:
        with pytest.raises(EditError):
            edited(text, {"data.py": SPLIT}, path="data.py")

    assert_proportionate(read, said, 96_000)
