"""A folder of event files, as they come."""

import json
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.monitoring.follower import Follower
from labcrew.domain.monitoring import Alarm, Expectations
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
    assert json.loads("".join(board.read())) == {"step": 2, "validation/loss": 2.0}
    (tmp_path / "tfevents.link").symlink_to("/etc/hostname")
    assert list(board.read()) == []
    assert board.ended(5) is None
    assert board.ended(11) is not None
    board.close()


def test_a_tag_of_several_folders_is_named_with_its_folder(
    tmp_path: Path, notifier: Notifier
) -> None:
    # As Keras does, which writes its graph into the first.
    graph = record(field(8, 2, bytes(200_000)))
    for folder in ("train", "validation", "run/test"):
        (tmp_path / folder).mkdir(parents=True)
        tags = ("loss", folder) if folder != "run/test" else ("other",)
        steps = (event(n, *(value(tag, n) for tag in tags)) for n in range(3))
        file = tmp_path / folder / "events.out.tfevents.1.host"
        file.write_bytes((graph if folder == "train" else b"") + b"".join(steps))
    board = TensorBoard(tmp_path, notifier, 3, from_end=False, quiet_s=10)
    texts = [next(board.read()), *board.read()]  # who reads may stop and begin again
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    names = Counter(tuple(line) for line in lines)
    assert names == {
        ("step", "train/loss", "train"): 3,
        ("step", "validation/loss", "validation"): 3,
        ("step", "other"): 3,
    }
    with file.open("ab") as more:
        more.write(graph)
    assert list(board.read()) == [""]
    with file.open("ab") as more:
        more.write(event(3, value("other", 3)))
    assert json.loads("".join(board.read())) == {"step": 3, "other": 3}
    board.close()


def test_validation_of_keras_is_told_from_training(tmp_path: Path, notifier: Notifier) -> None:
    board = TensorBoard(tmp_path, notifier, 3, from_end=False, quiet_s=10)
    follower = Follower(Expectations())
    found: list[Alarm] = []
    for epoch in range(60):
        for name, loss in (("train", 2.3 * 0.9**epoch), ("validation", 0.5 + 0.03 * epoch)):
            (tmp_path / name).mkdir(exist_ok=True)
            with (tmp_path / name / "tfevents").open("ab") as file:
                file.write(event(epoch, value("epoch_loss", loss)))
        for text in board.read():
            found += follower.feed(text, float(epoch))
    assert [alarm.kind for alarm in found] == ["overfitting"]
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
