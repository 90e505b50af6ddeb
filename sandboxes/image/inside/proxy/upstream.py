"""Connections outward: to a checked address, or through the proxy that the machine must use."""

from __future__ import annotations

import base64
import socket
import ssl
from contextlib import suppress
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from .addresses import Refused, looked_up, resolve
from .settings import Settings

_CONNECT_S = 20.0


class Upstream:
    """The way out.

    Args:
        settings: the proxy's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The machine's index may be anywhere but at the places that nothing may reach.
        self._indexes = {urlsplit(index.url).hostname or "" for index in settings.indexes}
        self._verified = ssl.create_default_context(cadata=settings.certificates or None)
        self._unverified = ssl.create_default_context()
        self._unverified.check_hostname = False
        self._unverified.verify_mode = ssl.CERT_NONE

    def connect(self, host: str, port: int, *, secure: bool = True) -> socket.socket:
        """A connection to a host, by way of the machine's own proxy where it has one.

        Args:
            host: its name.
            port: its port.
            secure: whether what will be spoken is encrypted; chooses the machine's proxy.

        Raises Refused, OSError.
        """
        through = self._settings.upstream.get("https" if secure else "http", "")
        bypass = proxy_bypass_environment(host, {"no": self._settings.no_proxy})
        if through and not bypass:
            return self._tunnel(through, host, port)
        pinned = self._settings.private
        private = host in pinned or host in self._indexes
        # An index often has a host of its own for files; on a mirror both are one machine.
        near = {
            address for index in self._indexes for address in looked_up(index, port, pinned)
        }  # fmt: skip
        error: OSError | None = None
        for address in resolve(host, port, pinned, private, near)[:4]:
            try:
                return socket.create_connection((address, port), timeout=_CONNECT_S)
            except OSError as failed:
                error = failed
        raise error or OSError("no address")

    def encrypted(self, plain: socket.socket, host: str, *, unverified: bool) -> ssl.SSLSocket:
        """TLS over a connection. Raises OSError for a certificate that is not the host's."""
        context = self._unverified if unverified else self._verified
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise

    def _tunnel(self, through: str, host: str, port: int) -> socket.socket:
        # The name is looked up over there: the machine's own proxy is the one to judge addresses.
        parts = urlsplit(through if "://" in through else f"http://{through}")
        if not parts.hostname:
            raise Refused("the machine's own proxy has no host")
        default = 443 if parts.scheme == "https" else 80
        tunnel: socket.socket = socket.create_connection(
            (parts.hostname, parts.port or default), timeout=_CONNECT_S
        )
        if parts.scheme == "https":
            tunnel = self.encrypted(tunnel, parts.hostname, unverified=False)
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}")
        tunnel.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        answer = b""
        # A byte at a time: what follows the head belongs to the tunnel.
        while not answer.endswith(b"\r\n\r\n") and len(answer) < 8192:
            part = tunnel.recv(1)
            if not part:
                break
            answer += part
        if answer[:12] not in (b"HTTP/1.1 200", b"HTTP/1.0 200"):
            with suppress(OSError):
                tunnel.close()
            raise OSError("the machine's own proxy refused")
        return tunnel
