"""Packs, made byte by byte (gitformat-pack(5))."""

import hashlib
import zlib
from collections.abc import Sequence

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


def pack(objects: Sequence[tuple[str, bytes]], count: int | None = None) -> bytes:
    """A pack of whole objects."""
    body = b"".join(
        size(len(content), KINDS[kind]) + zlib.compress(content) for kind, content in objects
    )
    return closed(body, len(objects) if count is None else count)


def closed(body: bytes, count: int) -> bytes:
    """A pack of a body, with its header and its sum."""
    data = b"PACK\0\0\0\2" + count.to_bytes(4, "big") + body
    return data + hashlib.sha1(data).digest()


def size(value: int, kind: int) -> bytes:
    """What stands in front of an object: its kind, and its size unpacked."""
    first, value = (kind << 4) | (value & 15), value >> 4
    out = bytearray()
    while value:
        out.append(first | 128)
        first, value = value & 127, value >> 7
    return bytes([*out, first])


def number(value: int) -> bytes:
    """A number as a delta begins with two: seven bits a byte."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
