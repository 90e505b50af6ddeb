"""Event files: as the format says, cut anywhere, and hostile."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.errors import InputError, NotFound
from tools.followers.event_file import EventReader, masked
from tools.followers.notifier import Notifier
from tools.followers.tensorboard import TensorBoard


def varint(value: int) -> bytes:
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def field(number: int, kind: int, data: bytes) -> bytes:
    return varint(number << 3 | kind) + (varint(len(data)) + data if kind == 2 else data)


def value(tag: str, number: float, *, tensor: bool = False) -> bytes:
    kept = field(1, 2, tag.encode())
    if tensor:
        content = field(1, 0, varint(1)) + field(4, 2, struct.pack("<f", number))
        return field(1, 2, kept + field(8, 2, content))
    return field(1, 2, kept + field(2, 5, struct.pack("<f", number)))


def record(body: bytes) -> bytes:
    head = struct.pack("<Q", len(body))
    return head + struct.pack("<I", masked(head)) + body + struct.pack("<I", masked(body))


def event(step: int, *values: bytes) -> bytes:
    return record(
        field(1, 1, struct.pack("<d", 1.0))
        + field(2, 0, varint(step))
        + field(5, 2, b"".join(values))
    )


def test_the_checksum_is_the_published_one() -> None:
    # CRC-32C of "123456789" is E3069283 (RFC 3720, B.4 uses the same polynomial).
    crc = 0xE3069283
    assert masked(b"123456789") == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF


def test_scalars_of_both_ways_become_lines() -> None:
    reader = EventReader()
    data = record(field(3, 2, b"brain.Event:2"))
    data += event(3, value("train/loss", 0.5), value("lr", 0.25, tensor=True))
    data += event(4, value("train/loss", float("nan")))
    lines = [json.loads(line) for line in reader.feed(data)]
    assert lines[0] == {"step": 3, "train/loss": 0.5, "lr": 0.25}
    assert lines[1]["train/loss"] != lines[1]["train/loss"]
    assert (reader.unread, reader.broken) == (0, False)


@settings(max_examples=50, deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_records_may_be_cut_anywhere(cuts: list[int]) -> None:
    data = b"".join(event(n, value("loss", n / 2)) for n in range(4))
    reader, lines, at = EventReader(), list[str](), 0
    for cut in [*sorted(cuts), len(data)]:
        lines += reader.feed(data[at:cut])
        at = max(at, cut)
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2, 3]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_anything_at_all_is_read_without_harm(data: bytes) -> None:
    reader = EventReader()
    assert list(reader.feed(data)) == [] or not reader.broken
    inside = EventReader()
    list(inside.feed(record(data)))
    assert not inside.broken


def test_a_damaged_record_is_left_out_and_a_damaged_length_ends_it() -> None:
    good, bad = event(1, value("loss", 1.0)), bytearray(event(2, value("loss", 2.0)))
    bad[-6] ^= 0xFF
    reader = EventReader()
    assert len(list(reader.feed(good + bytes(bad) + good))) == 2
    assert reader.unread == 1
    bad[0] ^= 1
    assert list(reader.feed(bytes(bad) + good)) == []
    assert reader.broken


def test_a_picture_is_skipped_without_being_kept() -> None:
    head = struct.pack("<Q", 20 << 20)
    reader = EventReader()
    assert list(reader.feed(head + struct.pack("<I", masked(head)))) == []
    for _ in range(20):
        assert list(reader.feed(bytes(1 << 20))) == []
    assert [json.loads(x)["step"] for x in reader.feed(bytes(4) + event(9, value("a", 1.0)))] == [9]


@pytest.fixture
def notifier() -> Iterator[Notifier]:
    made = Notifier()
    yield made
    made.close()


def test_files_of_a_folder_and_below_are_found_as_they_come(
    tmp_path: Path, notifier: Notifier
) -> None:
    name = "events.out.tfevents.1.host.1.0"
    (tmp_path / name).write_bytes(event(1, value("loss", 1.0)))
    board = TensorBoard(tmp_path, notifier, 3, from_end=False, quiet_s=10)
    assert json.loads("".join(board.read())) == {"step": 1, "loss": 1.0}
    below = tmp_path / "validation"
    below.mkdir()
    assert notifier.wait(1) == {3}
    assert list(board.read()) == []
    (below / name).write_bytes(event(2, value("loss", 2.0)))
    assert notifier.wait(1) == {3}
    assert json.loads("".join(board.read())) == {"step": 2, "loss": 2.0}
    (tmp_path / "tfevents.link").symlink_to("/etc/hostname")
    assert list(board.read()) == []
    assert board.ended(5) is None
    assert board.ended(11) is not None
    board.close()


def test_from_the_end(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "tfevents"
    path.write_bytes(event(1, value("loss", 1.0)))
    board = TensorBoard(tmp_path, notifier, 3, from_end=True, quiet_s=10)
    with path.open("ab") as file:
        file.write(event(2, value("loss", 2.0)))
    assert json.loads("".join(board.read()))["step"] == 2
    board.close()


def test_what_is_no_folder(tmp_path: Path, notifier: Notifier) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotFound):
        TensorBoard(tmp_path / "none", notifier, 1, from_end=False, quiet_s=1)
    with pytest.raises(InputError):
        TensorBoard(tmp_path / "file", notifier, 1, from_end=False, quiet_s=1)
