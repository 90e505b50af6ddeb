"""Requests to hosts of the allow-list: tunnels, and plain HTTP where its port was named."""

from __future__ import annotations

import re
import socket

from .addresses import Refused
from .heads import Head, authority
from .hello import greeted, read_greeting
from .journal import Journal
from .relay import relay
from .settings import Settings
from .upstream import Upstream

Moved = tuple[int, int, str]

_ABSOLUTE = re.compile(r"http://([^/?#@\\]+)(/[^#\\]*)?", re.ASCII)
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# Meant for this proxy or for one hop, or a credential in clear.
_KEPT_BACK = {
    "connection", "keep-alive", "te", "trailer", "upgrade", "host", "content-length",
    "authorization", "cookie", "expect",
}  # fmt: skip


def destination(head: Head) -> tuple[str, int]:
    """Where a request wants to go: CONNECT's target, or the one of "http://host/…".

    Raises Refused for another form, or where the Host field says something else.
    """
    if head.method == "CONNECT":
        host, port = authority(head.target)
    else:
        found = _ABSOLUTE.fullmatch(head.target)
        if found is None or head.method not in _METHODS:
            raise Refused("only CONNECT and http:// requests are taken")
        named = found[1] if ":" in found[1] else f"{found[1]}:80"
        host, port = authority(named)
    said = head.field("host").lower()
    usual = head.method == "CONNECT" or port == 80
    if said and said not in {f"{host}:{port}", host if usual else ""}:
        raise Refused("the Host field names another host")
    return host, port


class Forward:
    """Lets requests through to allowed hosts.

    Args:
        settings: the proxy's.
        upstream: the way out.
        journal: keeps the caps.
    """

    def __init__(self, settings: Settings, upstream: Upstream, journal: Journal) -> None:
        self._settings, self._upstream, self._journal = settings, upstream, journal

    def check(self, host: str, port: int) -> None:
        """Raises Refused unless the allow-list has it."""
        if not any(rule.fits(host, port) for rule in self._settings.rules):
            raise Refused("not on the allow-list")

    def tunnel(self, client: socket.socket, head: Head, host: str, port: int) -> Moved:
        """CONNECT: bytes both ways. Raises Refused, OSError."""
        self.check(host, port)
        with self._upstream.connect(host, port) as server:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            first = head.rest
            if port == 443:
                first = read_greeting(client, first, self._settings.head_s)
                if greeted(first) != host:
                    raise Refused("the TLS greeting names another host")
            moved: Moved = relay(client, server, first, self._journal, self._settings.idle_s)
            return moved

    def plain(self, client: socket.socket, head: Head, host: str, port: int) -> Moved:
        """One HTTP request with a body of stated length. Raises Refused, OSError."""
        self.check(host, port)
        length = head.field("content-length") or "0"
        if not re.fullmatch(r"[0-9]{1,15}", length, re.ASCII) or len(head.rest) > int(length):
            raise Refused("the request's length is irregular")
        path = _ABSOLUTE.fullmatch(head.target)[2] or "/"  # type: ignore[index]
        lines = [f"{head.method} {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close"]
        lines += [
            f"{name}: {value}"
            for name, value in head.fields
            if name not in _KEPT_BACK and not name.startswith("proxy-")
        ]
        if int(length):
            lines.append(f"Content-Length: {length}")
        begin = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if not self._journal.spend(0, len(begin)):
            raise Refused("the cap on bytes is reached")
        with self._upstream.connect(host, port, secure=False) as server:
            server.settimeout(self._settings.idle_s)
            server.sendall(begin)
            sent = self._body(client, server, head.rest, int(length))
            idle_s = self._settings.idle_s
            down, _, why = relay(client, server, b"", self._journal, idle_s, answer_only=True)
            return down, len(begin) + sent, why

    def _body(self, client: socket.socket, server: socket.socket, first: bytes, length: int) -> int:
        """Passes exactly the stated bytes on: nothing behind them can pose as a request."""
        client.settimeout(self._settings.idle_s)
        part, left = first, length
        while True:
            if not self._journal.spend(0, len(part)):
                raise Refused("the cap on bytes is reached")
            server.sendall(part)
            left -= len(part)
            if left <= 0:
                return length
            part = client.recv(min(left, 1 << 16))
            if not part:
                raise Refused("the request's body ended early")
