"""TensorBoard's event files as lines of JSON: one record a line, its step and its scalars.

The format is TensorFlow's: records as in tsl/lib/io/record_writer.h (length, its checksum, data,
its checksum; CRC-32C, masked), each an Event of core/util/event.proto. Only scalars are taken, and
nothing is trusted: lengths are capped, and a record that is none is counted and left out.
"""

import json
import struct
from collections.abc import Iterator
from typing import Any

_MOST_BYTES = 16 << 20
_HEAD, _FOOT = 12, 4
_MOST_VALUES = 1000
_DOUBLE, _FLOAT = 2, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class EventReader:
    """Takes the bytes of one event file as they come.

    After a length whose checksum is wrong nothing of the file can be found again: `broken`.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skip = 0
        self.broken = False
        self.unread = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """Yields a line, with its end, for each whole record that holds scalars."""
        self._rest += data
        while not self.broken:
            if self._skip:
                dropped = min(self._skip, len(self._rest))
                del self._rest[:dropped]
                self._skip -= dropped
            if self._skip or len(self._rest) < _HEAD:
                return
            length, check = struct.unpack_from("<QI", self._rest)
            if masked(bytes(self._rest[:8])) != check:
                self.broken = True
                self.unread += 1
                self._rest.clear()
                return
            if length > _MOST_BYTES:  # an image or a graph, no scalar
                self.unread += 1
                self._skip = _HEAD + length + _FOOT
                continue
            if len(self._rest) < _HEAD + length + _FOOT:
                return
            body = bytes(self._rest[_HEAD : _HEAD + length])
            (kept,) = struct.unpack_from("<I", self._rest, _HEAD + length)
            del self._rest[: _HEAD + length + _FOOT]
            if masked(body) != kept:
                self.unread += 1
                continue
            try:
                line = _line(body)
            except (ValueError, struct.error, IndexError):
                self.unread += 1
                continue
            if line:
                yield line


def _line(event: bytes) -> str:
    step = 0
    scalars: dict[str, float] = {}
    for number, kind, value in _fields(event):
        if number == 2 and kind == _VARINT:
            step = value - (1 << 64) if value >= 1 << 63 else value
        elif number == 5 and isinstance(value, bytes):
            for inner, shape, one in _fields(value):
                if inner == 1 and shape == _BYTES and len(scalars) < _MOST_VALUES:
                    named = _scalar(one)
                    if named is not None:
                        scalars[named[0]] = named[1]
    return json.dumps({"step": step} | scalars) + "\n" if scalars else ""


def _scalar(value: bytes) -> tuple[str, float] | None:
    """The tag and number of a Summary.Value; None where it is no scalar."""
    tag, number = "", None
    for field, kind, inner in _fields(value):
        if field == 1 and kind == _BYTES:
            tag = inner.decode("utf-8", "replace")[:200]
        elif field == 2 and kind == _FIXED32:
            (number,) = struct.unpack("<f", inner)
        elif field == 8 and kind == _BYTES:
            number = _tensor(inner)
    return None if number is None or not tag else (tag, number)


def _tensor(tensor: bytes) -> float | None:
    """The one number of a TensorProto of floats or doubles."""
    dtype, content, size = 0, b"", 0
    for field, kind, value in _fields(tensor):
        if field == 1 and kind == _VARINT:
            dtype = value
        elif (field == 4 or field in (5, 6)) and kind in (_BYTES, _FIXED32, _FIXED64):
            content = value
    size = {_FLOAT: 4, _DOUBLE: 8}.get(dtype, 0)
    if not size or len(content) != size:
        return None
    (number,) = struct.unpack("<f" if dtype == _FLOAT else "<d", content)
    return float(number)


def _fields(message: bytes) -> Iterator[tuple[int, int, Any]]:
    """The fields of a protocol buffer message, as (number, wire type, value)."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, kind, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("a wire type that event files do not have")
        if at + size > len(message):
            raise ValueError("a field longer than its message")
        yield key >> 3, kind, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        byte = message[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + place + 1
    raise ValueError("a number of more than 64 bits")


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC = _table()


def masked(data: bytes) -> int:
    """The masked CRC-32C (Castagnoli 1993) that stands before and after a record."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
