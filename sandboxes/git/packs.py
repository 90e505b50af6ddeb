"""How much a pack holds once it is unpacked, found out before git unpacks it.

A pack of a few megabytes can stand for terabytes: zeros compress well, and a delta of some bytes
copies its base a thousand times over. git would make it all before anyone could say no. Every
object tells its size in front (gitformat-pack(5)); a delta tells what it makes in its first bytes.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from labcrew.errors import BoundaryError

MAX_OBJECTS = 100_000
_HEADER, _CHUNK = 12, 1 << 16
_BLOB, _OFFSET_DELTA, _REFERENCE_DELTA = 3, 6, 7
_TYPES = {1, 2, _BLOB, 4, _OFFSET_DELTA, _REFERENCE_DELTA}


@dataclass(frozen=True)
class Measured:
    """What a pack comes to: how many objects, and the bytes that they make."""

    objects: int
    bytes: int


def measured(pack: bytes, *, id_bytes: int, cap_bytes: int) -> Measured:
    """Counts a pack's objects and the bytes they make, holding none of them.

    Args:
        pack: of version 2, not trusted.
        id_bytes: length of an object's id: 20 for SHA-1, 32 for SHA-256.
        cap_bytes: the most that the objects may make together.

    Raises BoundaryError for more than that, for too many objects, or for what is no pack.
    """
    if len(pack) < _HEADER + id_bytes or pack[:8] != b"PACK\0\0\0\2":
        raise BoundaryError("What the sandbox made holds no pack of version 2")
    count = int.from_bytes(pack[8:12], "big")
    if count > MAX_OBJECTS:
        raise BoundaryError(f"The change holds {count} objects; {MAX_OBJECTS} may cross")
    reader = _Reader(pack, _HEADER, len(pack) - id_bytes)
    total = 0
    for _ in range(count):
        kind, size = reader.entry()
        if kind not in _TYPES:
            raise BoundaryError(f"The pack holds an object of unknown type {kind}")
        if kind == _REFERENCE_DELTA:
            reader.skip(id_bytes)
        elif kind == _OFFSET_DELTA:
            reader.number()
        if total + size > cap_bytes:
            raise _too_much(cap_bytes)
        start = reader.inflated(size)
        total += size if kind < _OFFSET_DELTA else _makes(start)
        if total > cap_bytes:
            raise _too_much(cap_bytes)
    if reader.at != reader.end:
        raise BoundaryError("The pack holds more bytes than its objects")
    return Measured(objects=count, bytes=total)


def _makes(delta: bytes) -> int:
    """The size of what a delta makes: its second number, after its base's size."""
    reader = _Reader(delta, 0, len(delta))
    reader.number()
    return reader.number()


def _too_much(cap_bytes: int) -> BoundaryError:
    return BoundaryError(f"The change unpacks to more than {cap_bytes >> 20} MiB")


class _Reader:
    """Reads a pack's numbers and streams, from one offset to another."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self._data, self.at, self.end = data, at, end

    def entry(self) -> tuple[int, int]:
        """An object's type and size."""
        first = self._byte()
        size = first & 15
        if first & 128:
            size |= self.number() << 4
        return (first >> 4) & 7, size

    def number(self) -> int:
        """A number in groups of seven bits; nine groups are more than anything here needs."""
        value = 0
        for shift in range(0, 63, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if not byte & 128:
                return value
        raise BoundaryError("The pack holds a number without an end")

    def skip(self, count: int) -> None:
        """Passes over some bytes."""
        self.at += count
        if self.at > self.end:
            raise _cut()

    def inflated(self, size: int) -> bytes:
        """Passes over a compressed stream that must hold `size` bytes; answers its first few."""
        stream = zlib.decompressobj()
        start, made = b"", 0
        step = min(_CHUNK, size + 64)
        try:
            while not stream.eof:
                if self.at >= self.end:
                    raise _cut()
                fed = self._data[self.at : min(self.at + step, self.end)]
                self.at += len(fed)
                while fed and not stream.eof:
                    out = stream.decompress(fed, _CHUNK)
                    if len(start) < 20:
                        start += out[:20]
                    made += len(out)
                    if made > size:
                        raise BoundaryError("The pack holds an object larger than it says")
                    fed = stream.unconsumed_tail
        except zlib.error as error:
            raise BoundaryError(
                f"The pack holds an object that can't be unpacked: {error}"
            ) from None
        self.at -= len(stream.unused_data)
        if made != size:
            raise BoundaryError("The pack holds an object smaller than it says")
        return start

    def _byte(self) -> int:
        if self.at >= self.end:
            raise _cut()
        self.at += 1
        return self._data[self.at - 1]


def _cut() -> BoundaryError:
    return BoundaryError("The pack ends in the middle of an object")
