"""What a replay asks of the recorded model: what failed is passed over, each step is as it was."""

from pathlib import Path

import pytest

from agents.programming.options import Terms
from desk.replay_code import _Programmer
from labcrew import calling
from labcrew.domain.budget import Budget
from labcrew.domain.chat import Message, Reply, Tokens, ToolOffer
from labcrew.domain.programming import ModelCall
from labcrew.errors import ModelFailure, ReplayError
from labcrew.metered import ANSWERED, CANCELLED
from labcrew.recordings import Recordings, Request, sha256
from labcrew.redaction import Redaction
from labcrew.spending import INTERRUPTED

TOOL = ToolOffer(name="finish", description="Ends.", parameters={"type": "object"})


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path, Redaction())


def place(step: str) -> str:
    return f"T/r0.0/write_code/{step}/reply"


def question(step: str) -> tuple[Message, ...]:
    return (Message(role="user", content=f"step {step}"),)


def call(
    recordings: Recordings,
    step: str,
    said: str,
    *,
    model: str = "m",
    tools: tuple[ToolOffer, ...] = (),
    outcome: str = ANSWERED,
) -> ModelCall:
    request = Request.of(model, question(step), tools)
    answer = recordings.keep_reply(
        Reply(message=Message(role="assistant", content=said), model=model, tokens=Tokens())
    )
    return ModelCall(
        id=f"T/call/{step}/{said}", ticket="T", agent="merge_request", purpose="", model=model,
        prompt_sha256=sha256(request.text), prompt=recordings.keep_request(request).sha256,
        tokens=Tokens(), duration_s=0, outcome=outcome, step=place(step), turn=1,
        answer=answer.sha256,
    )  # fmt: skip


async def ask(model: _Programmer, step: str, tools: tuple[ToolOffer, ...] = ()) -> str:
    with calling.step("merge_request", place(step)):
        return (await model.reply(question(step), tools=tools)).message.content


@pytest.mark.parametrize(
    "outcome", ["unavailable: the endpoint answered 503", CANCELLED, INTERRUPTED]
)
async def test_a_call_that_nothing_came_of_is_passed_over(
    recordings: Recordings, outcome: str
) -> None:
    calls = [call(recordings, "0", "half", outcome=outcome), call(recordings, "0", "whole")]
    assert await ask(_Programmer(calls, recordings), "0") == "whole"


async def test_a_failure_that_was_a_step_fails_again(recordings: Recordings) -> None:
    model = _Programmer([call(recordings, "0", "ha", outcome="cut_off: too long")], recordings)
    with pytest.raises(ModelFailure) as failed:
        await ask(model, "0")
    assert (failed.value.kind, failed.value.said) == ("cut_off", "ha")


async def test_each_step_is_asked_with_tools_if_it_was(recordings: Recordings) -> None:
    steps = (("0", (TOOL,)), ("1", ()), ("1/0/critique", ()), ("2", (TOOL,)))
    calls = [call(recordings, step, step, tools=tools) for step, tools in steps]
    model = _Programmer(calls, recordings)
    for step, tools in steps[:-1]:
        if "critique" not in step:
            assert model.native_tools == bool(tools)
        assert await ask(model, step, tools) == step
    assert model.native_tools


async def test_each_step_is_asked_of_the_model_that_it_was_asked_of(
    recordings: Recordings,
) -> None:
    """After an outage another one goes on: it is asked where the first one only failed."""
    down = "unavailable: the endpoint answered 503"
    calls = [
        call(recordings, "0", "one", model="small", tools=(TOOL,)),
        call(recordings, "1", "", model="small", tools=(TOOL,), outcome=down),
        call(recordings, "1", "two", model="big"),
        call(recordings, "1/0/critique", "three", model="other"),
    ]
    model, budget = _Programmer(calls, recordings), Budget(steps=7)
    assert model.terms(budget) == Terms(model="small", style="tools", steps=7)
    assert await ask(model, "0", (TOOL,)) == "one"
    assert model.terms(budget) == Terms(model="big", style="direct", steps=7)
    assert await ask(model, "1") == "two"
    assert await ask(model, "1/0/critique") == "three"
    assert model.name == "other"
    model.go_by(Terms(model="big", style="tools", steps=7))
    assert (model.name, model.small) == ("big", False)


async def test_what_was_never_asked_is_not_answered(recordings: Recordings) -> None:
    model = _Programmer([call(recordings, "0", "one")], recordings)
    with pytest.raises(ReplayError, match="never asked"):
        await ask(model, "1")
