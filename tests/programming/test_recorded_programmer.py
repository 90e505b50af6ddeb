"""What a replay asks of the recorded model: what failed is passed over, tools are as they were."""

from pathlib import Path
from typing import Any

from desk.past_ledger import _replied
from desk.replay_code import _Programmer
from labcrew.domain.chat import Message, Reply, Tokens, ToolOffer
from labcrew.domain.programming import ModelCall
from labcrew.errors import ModelFailure
from labcrew.metered import ANSWERED
from labcrew.recordings import Recordings, Request, sha256
from labcrew.redaction import Redaction

TOOL = ToolOffer(name="finish", description="Ends.", parameters={"type": "object"})


async def test_a_call_that_failed_or_that_nobody_waited_for_is_passed_over() -> None:
    came = iter([TimeoutError(), ModelFailure("cut off", kind="cut_off"), {"text": "it"}])

    async def perform() -> dict[str, Any]:
        one = next(came)
        if isinstance(one, Exception):
            raise one
        return one

    assert await _replied(perform) == {"text": "it"}


async def test_each_step_is_asked_with_tools_if_it_was(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path, Redaction())
    made = []
    for step, tools in (("0", (TOOL,)), ("1", ()), ("1/0/critique", ()), ("2", (TOOL,))):
        asked = (Message(role="user", content=f"step {step}"),)
        request = Request.of("m", asked, tools)
        answer = recordings.keep_reply(
            Reply(message=Message(role="assistant", content=step), model="m", tokens=Tokens())
        )
        made.append(
            ModelCall(
                id=f"T/call/{step}", ticket="T", agent="merge_request", purpose="", model="m",
                prompt_sha256=sha256(request.text), prompt=recordings.keep_request(request).sha256,
                tokens=Tokens(),
                duration_s=0, outcome=ANSWERED, step=f"T/r0.0/write_code/{step}/reply", turn=1,
                answer=answer.sha256,
            )
        )  # fmt: skip
    model = _Programmer(made, recordings, [])
    for step, tools in (("0", (TOOL,)), ("1", ()), ("1/0/critique", ())):
        if "critique" not in step:
            assert model.native_tools == bool(tools)
        reply = await model.reply((Message(role="user", content=f"step {step}"),), tools=tools)
        assert reply.message.content == step
    assert model.native_tools
