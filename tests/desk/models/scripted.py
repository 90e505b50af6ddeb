"""Settings for scripted endpoints, with short time limits, and what is asked of them."""

from typing import Any

from labcrew.domain.base import Model
from labcrew.domain.chat import Message, ToolCall, ToolOffer
from labcrew.settings import ModelSettings

KEY = "sk-test-0123456789"
ASKED = (
    Message(role="system", content="Be brief."),
    Message(role="user", content='{"text":"?"}'),
)
READ = ToolOffer(
    name="read_file",
    description="Reads a file.",
    parameters={
        "type": "object",
        "properties": {"path": {"type": "string"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
FINISH = ToolOffer(
    name="finish",
    description="Ends the work.",
    parameters={"type": "object", "properties": {"summary": {"type": "string"}}},
)
WORKED = (
    *ASKED,
    Message(
        role="assistant",
        content="I look.",
        calls=(
            ToolCall(id="a", name="read_file", arguments='{"path": "x.py"}'),
            ToolCall(id="b", name="read_file", arguments="{oops"),
        ),
    ),
    Message(role="tool", answers="a", content="x = 1"),
    Message(role="tool", answers="b", content="The arguments are no JSON."),
)
"""A conversation in which tools were used."""


class Move(Model):
    to: str
    because: str = ""


class Proposal(Model):
    values: dict[str, bool | int | float | str]


def settings(base_url: str, **changes: Any) -> ModelSettings:
    """An endpoint that fails fast."""
    return ModelSettings(
        **{
            "model": "test-model",
            "base_url": base_url,
            "api_key": KEY,
            "timeout_s": 10,
            "retries": 1,
            "retry_wait_s": 0.02,
            **changes,
        }
    )
