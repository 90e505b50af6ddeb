"""What the battery lets be reached: ports, a name server and a package index, which tell marks.

`python listener.py SETTINGS.json`. A mark that is printed was received here: it got out.
"""

import base64
import json
import re
import socket
import socketserver
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

MARK = re.compile(rb"lcx[0-9a-f]{12}", re.IGNORECASE)
ANSWER = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\ncanary"


def tell(data: bytes) -> None:
    """Prints the marks in what came."""
    for mark in dict.fromkeys(MARK.findall(data)):
        print(mark.decode().lower(), flush=True)


class Port(socketserver.BaseRequestHandler):
    """Any service: it answers the first bytes and listens on for more."""

    def handle(self) -> None:
        """Reads until nothing more comes."""
        data = b""
        self.request.settimeout(5)
        with suppress(OSError):
            while len(data) < 4 << 20:
                part = self.request.recv(1 << 16)
                if not part:
                    break
                if not data:
                    self.request.sendall(ANSWER)
                    self.request.settimeout(1)
                data += part
        tell(data)


class Index(socketserver.StreamRequestHandler):
    """A package index that wants a password."""

    def handle(self) -> None:
        """Answers one request."""
        head = b""
        while (line := self.rfile.readline(1 << 16)).strip():
            head += line
        tell(head)
        path = head.split(b" ")[1].decode("latin-1") if head.count(b" ") > 1 else ""
        given = re.search(rb"(?mi)^authorization: basic (\S+)\r?$", head)
        known = base64.b64encode(SETTINGS["password"].encode())
        if given is None or given[1] != known:
            return self._send(b"401 Unauthorized", b"")
        if path == "/simple/hostile/":
            return self._send(
                b"200 OK", b'<a href="/files/hostile-1.0.tar.gz">hostile-1.0.tar.gz</a>'
            )
        if path == "/files/hostile-1.0.tar.gz":
            return self._send(b"200 OK", Path("/srv/hostile-1.0.tar.gz").read_bytes())
        if path == "/private/":
            return self._send(b"200 OK", b"canary")
        return self._send(b"404 Not Found", b"")

    def _send(self, status: bytes, body: bytes) -> None:
        kind = b"text/html" if body.startswith(b"<") else b"application/octet-stream"
        self.wfile.write(
            b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (status, kind, len(body), body)
        )


def answer(query: bytes) -> bytes:
    """A name server's answer: the addresses of the settings, else "no such name"."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    tell(query)
    kind = int.from_bytes(query[at + 1 : at + 3], "big")
    name = ".".join(labels).lower()
    known = SETTINGS["names"].get(name)
    family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
    found = []
    for text in known or ():
        with suppress(OSError):
            found.append(socket.inet_pton(family or 0, text))
    if name.startswith("rebind.") and len(found) > 1:
        turns[name] = turns.get(name, -1) + 1
        found = [found[turns[name] % len(found)]]
    records = b"".join(
        b"\xc0\x0c" + query[at + 1 : at + 5] + b"\0\0\0\0" + len(data).to_bytes(2, "big") + data
        for data in found
    )
    code = b"\x85\x80" if known is not None else b"\x85\x83"
    count = len(found).to_bytes(2, "big")
    return query[:2] + code + b"\0\1" + count + b"\0\0\0\0" + query[12 : at + 5] + records


class Names(socketserver.BaseRequestHandler):
    """The name server over UDP."""

    def handle(self) -> None:
        """Answers one query; anything else is only told."""
        data, where = self.request
        tell(data)
        with suppress(IndexError):
            where.sendto(answer(data), self.client_address)


class NamesStream(socketserver.StreamRequestHandler):
    """The name server over TCP."""

    def handle(self) -> None:
        """Answers one query."""
        size = int.from_bytes(self.rfile.read(2), "big")
        with suppress(IndexError):
            told = answer(self.rfile.read(size))
            self.wfile.write(len(told).to_bytes(2, "big") + told)


class Datagrams(socketserver.BaseRequestHandler):
    """Any UDP service."""

    def handle(self) -> None:
        """Tells what came."""
        tell(self.request[0])


class Threading(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Serves until the container is removed."""
    servers: list[Any] = [Threading(("0.0.0.0", port), Port) for port in SETTINGS["ports"]]
    servers += [
        Threading(("0.0.0.0", SETTINGS["index"]), Index),
        Threading(("0.0.0.0", 53), NamesStream),
        socketserver.ThreadingUDPServer(("0.0.0.0", 53), Names),
        *(socketserver.ThreadingUDPServer(("0.0.0.0", port), Datagrams) for port in (123, 9999)),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


turns: dict[str, int] = {}
SETTINGS: dict[str, Any] = {}

if __name__ == "__main__":
    SETTINGS.update(json.loads(Path(sys.argv[1]).read_text()))
    main()
