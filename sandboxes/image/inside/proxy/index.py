"""The machine's package indexes under addresses of the proxy's own.

`/index/<n>/…` is the n-th index; the files that its pages name get addresses `/file/<id>/<name>`.
The password is added here, so it never stands in the sandbox; nothing but an index's own pages and
the files that they name can be asked for with it.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import secrets
import socket
from urllib.parse import quote, unquote, urljoin, urlsplit

from .addresses import Refused
from .heads import Head
from .journal import Journal
from .pages import JSON_PAGE, rewritten
from .settings import Index, Settings
from .upstream import Upstream

_PAGE = re.compile(r"/index/([0-9]{1,3})/((?:[A-Za-z0-9][A-Za-z0-9._-]{0,127}/?)?)", re.ASCII)
_FILE = re.compile(r"/file/([0-9a-f]{32})/([^/]+)", re.ASCII)
_MOST_PAGE, _MOST_LINKS, _MOST_REDIRECTS = 64 << 20, 500_000, 5
_PART = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}
_PAGES = (JSON_PAGE, "application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml")


class PackageIndexes:
    """Serves the indexes.

    Args:
        settings: the proxy's.
        upstream: the way out.
        journal: keeps the caps.
    """

    def __init__(self, settings: Settings, upstream: Upstream, journal: Journal) -> None:
        self._settings, self._upstream, self._journal = settings, upstream, journal
        self._secret = secrets.token_bytes(16)
        self._links: dict[str, str] = {}

    def wanted(self, head: Head) -> str:
        """The address over there that a request means. Raises Refused."""
        if head.method not in {"GET", "HEAD"}:
            raise Refused("an index is only read")
        page = _PAGE.fullmatch(head.target)
        if page is not None and int(page[1]) < len(self._settings.indexes):
            base = self._settings.indexes[int(page[1])].url
            return f"{base.rstrip('/')}/{page[2]}" if page[2] else base
        file = _FILE.fullmatch(head.target)
        known = self._links.get(file[1]) if file is not None else None
        if file is None or known is None:
            raise Refused("no page of an index, and no file that one names")
        if file[2].endswith(".metadata"):
            address, mark, query = known.partition("?")
            return f"{address}.metadata{mark}{query}"
        return known

    def serve(self, client: socket.socket, head: Head, address: str) -> tuple[int, int, str]:
        """Answers with a page, its links led here, or with a file. Raises Refused, OSError."""
        accept = head.field("accept") or "*/*"
        answer, address = self._fetch(address, accept, _MOST_REDIRECTS)
        with answer:
            kind = answer.headers.get("Content-Type", "application/octet-stream")
            if head.target.startswith("/file/") or answer.status != 200:
                return self._stream(client, head, answer, kind)
            if not kind.startswith(_PAGES):
                raise Refused(f"the index answered with {kind[:60]}")
            page = answer.read(_MOST_PAGE + 1)
            if len(page) > _MOST_PAGE:
                raise Refused("the index's page is too long")
        try:
            body = rewritten(page, kind, address, self._lead)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused("the index's page can't be read") from None
        if not self._journal.spend(len(page), 0):
            raise Refused("the cap on bytes is reached")
        client.sendall(_begin(200, "OK", kind, len(body)) + (body if head.method == "GET" else b""))
        return len(page), 0, ""

    def _stream(
        self, client: socket.socket, head: Head, answer: http.client.HTTPResponse, kind: str
    ) -> tuple[int, int, str]:
        length = answer.headers.get("Content-Length")
        size = int(length) if length and re.fullmatch(r"[0-9]{1,15}", length) else None
        client.sendall(_begin(answer.status, answer.reason, kind, size))
        down = 0
        while head.method == "GET" and (part := answer.read(_PART)):
            down += len(part)
            if not self._journal.spend(len(part), 0):
                return down, 0, "the cap on bytes is reached"
            client.sendall(part)
        return down, 0, ""

    def _fetch(
        self, address: str, accept: str, redirects: int
    ) -> tuple[http.client.HTTPResponse, str]:
        parts = urlsplit(address)
        host, secure = parts.hostname or "", parts.scheme == "https"
        if parts.scheme not in {"http", "https"} or not host:
            raise Refused("the index names a place that is no web address")
        port = parts.port or (443 if secure else 80)
        index = self._index_at(address)
        fields = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "labcrew"}
        if index is not None and index.authorization:
            fields["Authorization"] = index.authorization
        connection = http.client.HTTPConnection(host, port, timeout=self._settings.idle_s)
        plain = self._upstream.connect(host, port, secure=secure)
        unverified = index is not None and index.unverified
        connection.sock = (
            self._upstream.encrypted(plain, host, unverified=unverified) if secure else plain
        )
        connection.sock.settimeout(self._settings.idle_s)
        connection.request(
            "GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=fields
        )
        answer = connection.getresponse()
        onward = answer.headers.get("Location")
        if answer.status in _REDIRECTS and onward and redirects:
            answer.close()
            return self._fetch(urljoin(address, onward), accept, redirects - 1)
        return answer, address

    def _index_at(self, address: str) -> Index | None:
        """The index of an address's origin: pip too keeps a password to scheme, host and port."""
        origin = urlsplit(address)
        for index in self._settings.indexes:
            known = urlsplit(index.url)
            if (known.scheme, known.hostname, known.port) == (
                origin.scheme,
                origin.hostname,
                origin.port,
            ):
                return index
        return None

    def _lead(self, address: str) -> str:
        parts = urlsplit(address)
        name = parts.path.rpartition("/")[2]
        if parts.scheme not in {"http", "https"} or not name:
            return ""
        there = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        id = hashlib.sha256(self._secret + there.encode()).hexdigest()[:32]
        if id not in self._links and len(self._links) >= _MOST_LINKS:
            return ""
        self._links[id] = there
        mark = f"#{parts.fragment}" if parts.fragment else ""
        return f"/file/{id}/{quote(unquote(name), safe='')}{mark}"


def _begin(status: int, reason: str, kind: str, length: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {kind}", "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    text = "\r\n".join(line.replace("\r", "").replace("\n", "") for line in lines)
    return (text + "\r\n\r\n").encode("latin-1", "replace")
