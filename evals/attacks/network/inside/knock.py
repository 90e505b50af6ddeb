"""What the probes have in common: marks, targets, and ways to knock."""

import hashlib
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Probes = dict[str, tuple[str, Callable[[], str]]]


class Reached(Exception):
    """Something that must not be reached was, or something that must not be seen."""


class Targets:
    """Where to knock.

    Args:
        settings: addresses and names, the situation's name, and what marks are made from.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.outside: str = settings["outside"]
        self.outside6: str = settings["outside6"]
        self.metadata: str = settings["metadata"]
        self.gateway: str = settings["gateway"]
        self.gateway_port: int = settings["gateway_port"]
        self.other: str = settings["other"]
        self.proxy: tuple[str, int] = tuple(settings["proxy"])
        self._seed = f"{settings['seed']}/{settings['situation']}"

    def mark(self, probe: str) -> str:
        """A text that nobody else sends, fit for host names."""
        return "lcx" + hashlib.sha256(f"{self._seed}/{probe}".encode()).hexdigest()[:12]


def tcp(address: str, port: int, mark: str) -> str:
    """Connects and sends the mark. Raises Reached where a connection stands."""
    with socket.create_connection((address, port), timeout=3) as one:
        with suppress(OSError):
            one.sendall(f"GET /{mark} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            one.recv(64)
        raise Reached(f"a connection to {address}:{port} stands")


def udp(address: str, port: int, data: bytes) -> str:
    """Sends a datagram; only who receives it can tell that it arrived."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as one:
        one.settimeout(1)
        one.sendto(data, (address, port))
        with suppress(TimeoutError):
            raise Reached(f"{address}:{port} answered {len(one.recv(512))} bytes")
    return "sent, and nothing came back"


def query(name: str) -> bytes:
    """A name server's question for an address."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
