"""How code is asked of a model: by its tools, or one edit an answer."""

from pathlib import Path
from typing import Any

import pytest

from desk.models.answering import chat_of
from desk.models.fallback import FallbackChat
from labcrew.domain.chat import Manner
from labcrew.settings import ModelSettings


@pytest.mark.parametrize(
    ("fields", "small"),
    [
        ({"model": "m", "base_url": "http://127.0.0.1:1/v1"}, False),
        ({"model": "m", "base_url": "http://127.0.0.1:1/v1", "writes_code": "edits"}, True),
        ({"gguf": Path("/models/m.gguf")}, True),
        ({"gguf": Path("/models/m.gguf"), "writes_code": "tools"}, False),
    ],
)
def test_small_models_are_asked_for_edits(fields: dict[str, Any], small: bool) -> None:
    chat = chat_of(ModelSettings(**fields))
    assert getattr(chat, "small") is small  # noqa: B009
    assert chat.in_manner(Manner(seed=1)).small is small


def test_a_prompts_room_is_the_context_beside_an_answer() -> None:
    near = ModelSettings(model="m", base_url="http://127.0.0.1:1/v1")
    known = near.model_copy(update={"context_tokens": 4096})
    local = ModelSettings(gguf=Path("/models/m.gguf"), max_tokens=192)
    assert chat_of(near).prompt_characters is None
    assert chat_of(known).prompt_characters == (4096 - 1024) * 3
    assert chat_of(local).prompt_characters == (8192 - 192) * 3
    several = FallbackChat([chat_of(near), chat_of(local), chat_of(known)])
    assert several.prompt_characters == (4096 - 1024) * 3
    # An answer that may take all of it leaves the question a quarter.
    whole = known.model_copy(update={"max_tokens": 8192})
    assert chat_of(whole).prompt_characters == 1024 * 3
