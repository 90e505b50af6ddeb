"""The name in a TLS greeting (RFC 8446, section 4.1.2; RFC 6066, section 3).

A host behind a shared front answers for its neighbours too: who is let through to one name must not
ask the same address for another.
"""

from __future__ import annotations

import socket
import time

from .addresses import Refused

_RECORD, _GREETING, _SERVER_NAME = 22, 1, 0


def read_greeting(client: socket.socket, first: bytes, seconds: float) -> bytes:
    """The first TLS record that a client sends, whole.

    Raises Refused for what is no TLS greeting, or takes longer.
    """
    data, end = first, time.monotonic() + seconds
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        if data and data[0] != _RECORD:
            break
        client.settimeout(max(0.01, end - time.monotonic()))
        try:
            part = client.recv(16_384) if time.monotonic() < end else b""
        except TimeoutError:
            part = b""
        if not part:
            raise Refused("no TLS greeting came")
        data += part
    return data


def greeted(record: bytes) -> str:
    """The server's name in a greeting, lower case. Raises Refused where there is none."""
    try:
        if record[0] != _RECORD or record[5] != _GREETING:
            raise Refused("what is spoken is not TLS")
        at = 5 + 4 + 2 + 32  # headers, version, random
        at += 1 + record[at]  # session
        at += 2 + int.from_bytes(record[at : at + 2], "big")  # ciphers
        at += 1 + record[at]  # compressions
        at += 2
        while at + 4 <= len(record):
            kind = int.from_bytes(record[at : at + 2], "big")
            size = int.from_bytes(record[at + 2 : at + 4], "big")
            if kind == _SERVER_NAME:
                length = int.from_bytes(record[at + 7 : at + 9], "big")
                name = record[at + 9 : at + 9 + length]
                if record[at + 6] != 0 or length + 5 != size or len(name) != length:
                    raise Refused("the TLS greeting's name is irregular")
                return name.decode("ascii").lower()
            at += 4 + size
    except (IndexError, UnicodeDecodeError):
        raise Refused("the TLS greeting is irregular") from None
    raise Refused("the TLS greeting names no host")
