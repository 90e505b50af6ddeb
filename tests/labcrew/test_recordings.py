"""Prompts and answers are kept once each, whole or known not to be, and believed by their hash."""

import errno
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from labcrew.domain.chat import Message, Reply, ToolCall, ToolOffer
from labcrew.errors import StorageFull
from labcrew.recordings import LONGEST_CHARACTERS, Recordings, Request, sha256
from labcrew.redaction import Redaction


class Shape(BaseModel):
    n: int


MESSAGES = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        content=st.text(max_size=200),
        calls=st.lists(
            st.builds(ToolCall, id=st.text(max_size=9), name=st.text(max_size=9),
                      arguments=st.text(max_size=40)), max_size=2
        ).map(tuple),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=60)
@given(MESSAGES, st.booleans())
def test_a_request_comes_back_as_it_was(messages: list[Message], structured: bool) -> None:
    offer = ToolOffer(name="read", description="reads", parameters={"type": "object"})
    request = Request.of("m", messages, [offer], Shape if structured else None)
    with TemporaryDirectory() as folder:
        recordings = Recordings(Path(folder), Redaction())
        kept = recordings.keep_request(request)
        again = Recordings(Path(folder), Redaction()).request(kept.sha256)
    assert kept.exact
    assert again == request
    assert again.text == request.text


def test_a_growing_conversation_is_kept_once(tmp_path: Path) -> None:
    recordings, messages = Recordings(tmp_path, Redaction()), []
    for number in range(30):
        messages.append(Message(role="user", content=f"{number}" * 1000))
        recordings.keep_request(Request.of("m", messages))
    files = list(tmp_path.rglob("*.json"))
    assert len(files) == 60  # 30 messages, 30 lists of their names
    assert sum(f.stat().st_size for f in files) < 2 * sum(len(m.content) for m in messages)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(self: Path, *given: Any, **more: Any) -> int:
        raise OSError(number, "full")

    kept = Recordings(tmp_path / "kept", Redaction())
    with monkeypatch.context() as patches:
        patches.setattr(Path, "write_text", full)
        with pytest.raises(StorageFull, match="No space left to keep"):
            kept.keep_text("a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert kept.value(kept.keep_text("a").sha256) == "a"


def test_what_is_too_long_is_cut_and_said_to_be(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path, Redaction())
    long = Reply(message=Message(role="assistant", content="x" * 3_000_000), model="m")
    kept = recordings.keep_reply(long)
    assert not kept.exact
    found = recordings.reply(kept.sha256)
    assert found is not None
    assert len(found.message.content) < LONGEST_CHARACTERS + 100


def test_a_changed_or_lost_file_is_not_believed(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path, Redaction())
    kept = recordings.keep_request(Request.of("m", [Message(role="user", content="a")]))
    part = next(p for p in tmp_path.rglob("*.json") if p.stem != kept.sha256)
    part.write_text(part.read_text().replace('"a"', '"b"'))
    assert recordings.request(kept.sha256) is None
    part.unlink()
    assert recordings.request(kept.sha256) is None
    assert recordings.request("../../etc/passwd") is None
    assert recordings.reply(sha256("nothing")) is None


def test_a_file_swapped_for_a_link_is_not_read(tmp_path: Path) -> None:
    recordings = Recordings(tmp_path / "r", Redaction())
    kept = recordings.keep_reply(Reply(message=Message(role="assistant", content="a"), model="m"))
    file = next((tmp_path / "r").rglob("*.json"))
    other = tmp_path / "other.json"
    file.rename(other)
    file.symlink_to(other)
    assert recordings.reply(kept.sha256) is None
