"""A folder of event files, as they come."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcrew.errors import InputError, NotFound
from tools.followers.notifier import Notifier
from tools.followers.tensorboard import TensorBoard
from tools.logs.tensorboard import masked_crc32c as masked


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
    assert notifier.wait(60) == {3}
    assert list(board.read()) == []
    (below / name).write_bytes(event(2, value("loss", 2.0)))
    assert notifier.wait(60) == {3}
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
