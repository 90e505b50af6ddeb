"""Reads a TensorBoard event file as it grows: its bytes in, observations out."""

import math
import struct
from collections.abc import Iterator
from functools import cache, lru_cache

from labcrew.domain.monitoring import Observation
from tools.logs.line import TEXT_CAP, clean
from tools.logs.shape import NAME_CAP

_HEADER = 12  # the length (8 bytes) and its checksum (4)
_RECORD_CAP = 1 << 30
_READ_CAP = 1 << 16  # scalars are small; images and histograms are passed over
_CASTAGNOLI = 0x82F63B78
_FLOAT, _DOUBLE, _INT32, _INT64, _HALF = 1, 2, 3, 9, 19  # DataType of tensorflow's types.proto
_CONTENT = {_FLOAT: "<f", _DOUBLE: "<d", _INT32: "<i", _INT64: "<q", _HALF: "<e"}


class EventReader:
    """Bytes of an event file in, cut anywhere; an observation for each step's scalars out.

    A record that is damaged is counted and passed over; half a record waits for its other half.
    Scalars of one step that follow each other in one chunk are one observation.

    Source: the TFRecord framing (length, masked CRC-32C, data, masked CRC-32C) and the messages
    Event, Summary and TensorProto, as TensorFlow's documents and .proto files describe them.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0
        self._lost = False
        self.records = 0
        """Records read."""
        self.damaged = 0
        """Records whose checksum or content is wrong; a file whose lengths are wrong is one."""

    def feed(self, chunk: bytes, at_s: float) -> Iterator[Observation]:
        """Takes bytes and yields the scalars of the whole records in them.

        Args:
            chunk: the next bytes of one file.
            at_s: when they came, in seconds since the run was first followed.
        """
        skipped = min(self._skip, len(chunk))
        self._skip -= skipped
        data, place = self._rest + chunk[skipped:], 0
        step: int | None = None
        numbers: dict[str, float] = {}
        while True:
            length = self._length(data, place)
            if length is not None and length > _READ_CAP:
                self.records += 1
                self._lost = False
                end = place + _HEADER + length + 4
                self._skip, place = max(0, end - len(data)), min(end, len(data))
                continue
            if length is None or len(data) - place < _HEADER + length + 4:
                break
            if length < 0:  # where the next record begins can only be searched for
                place += 1
                continue
            record = data[place + _HEADER : place + _HEADER + length]
            (checksum,) = struct.unpack_from("<I", data, place + _HEADER + length)
            place += _HEADER + length + 4
            self._lost = False
            try:
                if checksum != masked_crc32c(record):
                    raise ValueError
                at_step, scalars = _event(record)
            except (ValueError, struct.error, IndexError, OverflowError):
                self.damaged += 1
                continue
            self.records += 1
            if numbers and (at_step != step or numbers.keys() & scalars.keys()):
                yield _observation(at_s, step, numbers)
                numbers = {}
            step = at_step
            numbers |= scalars
        self._rest = data[place:]
        if numbers:
            yield _observation(at_s, step, numbers)

    def _length(self, data: bytes, place: int) -> int | None:
        """The length of the record there; None: not there yet; -1: no record begins there."""
        if len(data) - place < _HEADER:
            return None
        length, checksum = struct.unpack_from("<QI", data, place)
        if length <= _RECORD_CAP and checksum == _checksum_of_length(data[place : place + 8]):
            return int(length)
        if not self._lost:
            self._lost = True
            self.damaged += 1
        return -1


def _observation(at_s: float, step: int | None, numbers: dict[str, float]) -> Observation:
    text = clean(
        " ".join((f"step={step}", *(f"{name}={value:g}" for name, value in numbers.items())))
    )
    return Observation(at_s=at_s, text=text[:TEXT_CAP], numbers=numbers, step=step)


def _event(record: bytes) -> tuple[int | None, dict[str, float]]:
    """An Event: wall_time = 1, step = 2, summary = 5."""
    step = 0  # protobuf leaves out a zero
    numbers: dict[str, float] = {}
    for field, value in _fields(record):
        if field == 2 and isinstance(value, int):
            step = value
        elif field == 5 and isinstance(value, bytes):
            for inner, summary in _fields(value):
                if inner == 1 and isinstance(summary, bytes):
                    name, scalar = _value(summary)
                    if name and scalar is not None:
                        numbers[name] = scalar
    return (step if step < 1 << 63 else None), numbers


def _value(message: bytes) -> tuple[str, float | None]:
    """A Summary.Value: tag = 1, simple_value = 2, tensor = 8."""
    name, scalar = "", None
    for field, value in _fields(message):
        if field == 1 and isinstance(value, bytes):
            name = clean(value.decode("utf-8", "replace")).replace(" ", "_")[:NAME_CAP]
        elif field == 2 and isinstance(value, bytes) and len(value) == 4:
            (scalar,) = struct.unpack("<f", value)
        elif field == 8 and isinstance(value, bytes):
            scalar = _tensor(value)
    return name, scalar


def _tensor(message: bytes) -> float | None:
    """A TensorProto of one number: dtype = 1, tensor_content = 4, float_val = 5, double_val = 6."""
    kind, found = 0, None
    content = b""
    for field, value in _fields(message):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field == 4 and isinstance(value, bytes):
            content = value
        elif field in (5, 6) and isinstance(value, bytes):
            form = "<f" if field == 5 else "<d"
            if len(value) == struct.calcsize(form):
                (found,) = struct.unpack(form, value)
        elif field in (7, 10) and isinstance(value, int):  # int_val, int64_val
            found = float(value if value < 1 << 63 else value - (1 << 64))
    form = _CONTENT.get(kind, "")
    if found is None and form and len(content) == struct.calcsize(form):
        (found,) = struct.unpack(form, content)
    if found is None or kind not in _CONTENT:
        return None  # text, a histogram, an image
    return float(found) if not math.isinf(found) else math.copysign(math.inf, found)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protobuf message; 4 and 8 byte numbers stay bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == 0:
            number, place = _varint(message, place)
            yield key >> 3, number
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise ValueError("no such kind of field")
        if place + length > len(message):
            raise ValueError("a field is cut off")
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    found = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        found |= (byte & 0x7F) << shift
        place += 1
        if byte < 0x80:
            return found, place
    raise ValueError("a number is too long")


def masked_crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), turned and shifted as TFRecord stores it."""
    table = _table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


@lru_cache(maxsize=1024)
def _checksum_of_length(data: bytes) -> int:
    return masked_crc32c(data)


@cache
def _table() -> tuple[int, ...]:
    found = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (_CASTAGNOLI if byte & 1 else 0)
        found.append(byte)
    return tuple(found)
