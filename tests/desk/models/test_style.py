"""How code is asked of a model: by its tools, or one edit an answer."""

from pathlib import Path
from typing import Any

import pytest

from desk.models.answering import chat_of
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
    assert chat.sampled(0.7, 1).small is small
