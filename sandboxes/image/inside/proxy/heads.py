"""Reads the head of a request strictly: what two readers could take differently is refused."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass

from .addresses import Refused

_MOST_BYTES, _MOST_LINE, _MOST_FIELDS = 32_768, 8_192, 64
_REQUEST = re.compile(rb"([A-Z]{3,10}) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_AUTHORITY = re.compile(r"([a-z0-9-]+(?:\.[a-z0-9-]+)+):([0-9]{1,5})", re.ASCII)
_ONCE = {"host", "content-length", "content-type"}


@dataclass(frozen=True)
class Head:
    """A request's head, and the bytes after it that came with it."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    rest: bytes

    def field(self, name: str) -> str:
        """The first field of a name in lower case, or nothing."""
        return next((value for known, value in self.fields if known == name), "")


def read_head(client: socket.socket, seconds: float) -> Head:
    """One request's head.

    Args:
        client: the sandbox's connection.
        seconds: in which all of it must have come.

    Raises Refused for anything irregular; EOFError for a connection that ended.
    """
    end, data = time.monotonic() + seconds, b""
    while b"\r\n\r\n" not in data:
        if len(data) > _MOST_BYTES:
            raise Refused("the request's head is too long")
        left = end - time.monotonic()
        if left <= 0:
            raise Refused("the request's head took too long")
        client.settimeout(left)
        try:
            part = client.recv(4096)
        except TimeoutError:
            raise Refused("the request's head took too long") from None
        if not part:
            raise EOFError
        data += part
    head, _, rest = data.partition(b"\r\n\r\n")
    return parse_head(head, rest)


def parse_head(head: bytes, rest: bytes = b"") -> Head:
    """Takes a head apart. Raises Refused."""
    lines = head.split(b"\r\n")
    if len(lines) > _MOST_FIELDS or any(len(line) > _MOST_LINE for line in lines):
        raise Refused("the request's head is too long")
    first = _REQUEST.fullmatch(lines[0])
    if first is None:
        raise Refused("the request line is irregular")
    fields = []
    for line in lines[1:]:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Refused("a header line is irregular")
        fields.append((found[1].decode("ascii").lower(), found[2].decode("latin-1").strip(" \t")))
    names = [name for name, _ in fields]
    if "transfer-encoding" in names or any(names.count(name) > 1 for name in _ONCE):
        raise Refused("the request's length or host can be read in two ways")
    return Head(first[1].decode("ascii"), first[2].decode("ascii"), tuple(fields), rest)


def authority(text: str) -> tuple[str, int]:
    """Host and port of "host:port". Raises Refused for any other form, addresses among them."""
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None or int(found[2]) not in range(1, 65536):
        raise Refused("the destination is not a host name with a port")
    if found[1].rpartition(".")[2][0].isdigit():
        raise Refused("the destination is an address, not a host name")
    return found[1], int(found[2])
