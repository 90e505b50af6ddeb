"""TensorBoard's event files: recorded ones, cut anywhere, cut off and damaged."""

import math
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.monitoring import Observation
from tools.logs.tensorboard import EventReader, masked_crc32c

FOLDER = Path(__file__).parents[3] / "evals" / "log_fixtures"
FILES = ("torch_utils_tensorboard.tfevents", "tensorboardX.tfevents")


def read(data: bytes) -> tuple[EventReader, list[Observation]]:
    reader = EventReader()
    return reader, list(reader.feed(data, 0.0))


def series(found: list[Observation], name: str) -> list[tuple[int | None, float]]:
    return [(f.step, f.numbers[name]) for f in found if name in f.numbers]


def record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    checksums = (struct.pack("<I", masked_crc32c(part)) for part in (length, data))
    return length + next(checksums) + data + next(checksums)


@pytest.mark.parametrize("name", FILES)
def test_recorded_files(name: str) -> None:
    reader, found = read((FOLDER / name).read_bytes())
    loss = series(found, "train/loss")
    assert [step for step, _ in loss] == list(range(21))
    assert [value for _, value in loss[:-1]] == pytest.approx([1 / (1 + s) for s in range(20)])
    assert math.isnan(loss[-1][1])
    assert series(found, "val/accuracy")[-1] == pytest.approx((19, 0.95))
    assert {n for f in found for n in f.numbers} == {"train/loss", "val/accuracy"}
    assert len(found) == 21
    assert found[3].text == "step=3 train/loss=0.25 val/accuracy=0.15"
    assert reader.damaged == 0


@pytest.mark.parametrize("name", FILES)
@given(cuts=st.lists(st.integers(0, 7000), max_size=30))
def test_where_it_is_cut_does_not_matter(name: str, cuts: list[int]) -> None:
    data = (FOLDER / name).read_bytes()
    reader = EventReader()
    found: list[Observation] = []
    for start, stop in pairwise(sorted({0, len(data), *(c for c in cuts if c < len(data))})):
        found += reader.feed(data[start:stop], 0.0)
    _, whole = read(data)
    for tag in ("train/loss", "val/accuracy"):
        assert repr(series(found, tag)) == repr(series(whole, tag))
    assert reader.damaged == 0


def test_a_file_that_is_cut_off_waits() -> None:
    data = (FOLDER / FILES[0]).read_bytes()
    _, whole = read(data)
    reader = EventReader()
    first = list(reader.feed(data[:700], 0.0))
    assert 0 < len(first) < len(whole)
    assert list(reader.feed(b"", 1.0)) == []
    assert reader.damaged == 0
    rest = list(reader.feed(data[700:], 2.0))
    assert sum(len(f.numbers) for f in first + rest) == sum(len(f.numbers) for f in whole)


@pytest.mark.parametrize("name", FILES)
@given(place=st.integers(0, 7000), byte=st.integers(0, 255))
def test_a_damaged_record_is_counted_and_the_next_are_read(
    name: str, place: int, byte: int
) -> None:
    data = bytearray((FOLDER / name).read_bytes())
    place %= len(data)
    changed = data[place] != byte
    data[place] = byte
    reader, found = read(bytes(data))
    assert reader.damaged == changed
    lost = 41 - sum(len(f.numbers) for f in found)
    assert lost <= 1


@given(st.binary(max_size=400))
def test_no_bytes_break_it(data: bytes) -> None:
    read(data)
    reader, _ = read(record(data) + record(b""))
    assert reader.records + reader.damaged == 2


def test_a_picture_is_passed_over_without_being_kept() -> None:
    data = (FOLDER / FILES[0]).read_bytes()
    picture = record(bytes(300_000))
    reader = EventReader()
    found: list[Observation] = []
    whole = data + picture + data
    for start in range(0, len(whole), 10_000):
        found += reader.feed(whole[start : start + 10_000], 0.0)
    assert len(series(found, "train/loss")) == 42
    assert reader.damaged == 0


def test_numbers_in_tensors() -> None:
    def value(tensor: bytes) -> bytes:
        inner = b"\x0a\x04loss" + b"\x42" + bytes([len(tensor)]) + tensor
        return b"\x10\x05\x2a" + bytes([len(inner) + 2]) + b"\x0a" + bytes([len(inner)]) + inner

    for tensor, expected in (
        (b"\x08\x01\x22\x04" + struct.pack("<f", 0.5), 0.5),
        (b"\x08\x01\x2a\x04" + struct.pack("<f", math.inf), math.inf),
        (b"\x08\x02\x22\x08" + struct.pack("<d", -2.5), -2.5),
        (b"\x08\x09\x50\x07", 7.0),
    ):
        _, (found,) = read(record(value(tensor)))
        assert (found.step, found.numbers) == (5, {"loss": expected})
    assert read(record(value(b"\x08\x07\x42\x02hi")))[1] == []


def test_the_checksum_is_the_published_one() -> None:
    # RFC 3720, appendix B.4: 32 bytes of zeroes give 8a9136aa.
    crc = 0x8A9136AA
    assert masked_crc32c(bytes(32)) == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
