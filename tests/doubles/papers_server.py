"""A literature service on loopback: real HTTP, canned answers of both protocols, and faults."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WORKS: list[dict[str, Any]] = [
    {
        "id": "https://openalex.org/W1",
        "doi": "https://doi.org/10.1000/one",
        "display_name": "Step sizes for <i>stochastic</i> gradients",
        "publication_year": 2001,
        "authorships": [{"author": {"display_name": "Ada Byron"}}],
        "primary_location": {"source": {"display_name": "Journal of Steps"}},
        "abstract_inverted_index": {"A": [0], "learning": [1], "rate": [2], "of": [3], "0.1": [4]},
    },
    {
        "id": "https://openalex.org/W2",
        "doi": None,
        "display_name": None,
        "publication_year": None,
        "authorships": [],
        "primary_location": None,
        "abstract_inverted_index": {"Momentum": [0], "helps.": [1]},
    },
    {"id": "https://openalex.org/W3", "display_name": "No abstract", "authorships": []},
]
ENTRY = """<entry><id>http://arxiv.org/abs/{id}v1</id><updated>2012-06-01T00:00:00Z</updated>
<published>2012-06-01T00:00:00Z</published><title>{title}</title><summary>{summary}</summary>
<author><name>Yoshua Example</name></author></entry>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">
<opensearch:totalResults>{count}</opensearch:totalResults>{entries}</feed>
"""
ENTRIES = [
    ENTRY.format(id="1206.5533", title="Practical\n  advice", summary="A learning rate of 0.1."),
    ENTRY.format(id="1206.5534", title="Momentum", summary="Momentum helps."),
]


@dataclass
class PapersServer:
    """The running service.

    Args:
        url: its root; /api/query speaks arXiv's protocol, /works OpenAlex's.
        fault: "" or what to do instead of answering: a status code, "garbage", "empty", "shape",
            "hang", "trickle", "flood", "close", "redirect", "error_entry".
        requests: path and arguments of each request.
    """

    url: str
    fault: str = ""
    requests: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    served: PapersServer

    def do_GET(self) -> None:
        served = self.served
        parts = urlsplit(self.path)
        arguments = parse_qs(parts.query)
        served.requests.append((parts.path, arguments))
        fault = served.fault
        openalex = parts.path == "/works"
        if fault.isdigit():
            self._send(int(fault), b"<html>no</html>")
        elif fault == "garbage":
            self._send(200, b"<html><body>Welcome to the hotel</body></html>")
        elif fault == "empty":
            self._send(200, b"")
        elif fault == "shape":
            body = {"meta": {}, "results": [{"id": 5, "authorships": "no"}]}
            self._send(200, json.dumps(body).encode() if openalex else b"<feed><entry>")
        elif fault == "error_entry":
            entry = ENTRY.format(id="x", title="Error", summary="bad query").replace(
                "arxiv.org/abs/x", "arxiv.org/api/errors#x"
            )
            self._send(200, FEED.format(count=1, entries=entry).encode())
        elif fault == "redirect":
            self.send_response(302)
            self.send_header("Location", f"{served.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "hang":
            served.released.wait()
        elif fault == "close":
            self.connection.close()
        elif fault in ("trickle", "flood"):
            self._endless(fault)
        elif openalex:
            most = int(arguments["per-page"][0])
            self._send(200, json.dumps({"meta": {}, "results": WORKS[:most]}).encode())
        else:
            most = int(arguments["max_results"][0])
            entries = ENTRIES[:most]
            feed = FEED.format(count=len(entries), entries="".join(entries))
            self._send(200, feed.encode())

    def _endless(self, fault: str) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while not self.served.released.wait(0.1 if fault == "trickle" else 0):
                self.wfile.write(b"x" * (1 if fault == "trickle" else 1 << 20))
        except OSError:
            self.close_connection = True

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # clients that give up are the point of some tests


@contextmanager
def papers_server(fault: str = "") -> Iterator[PapersServer]:
    """Serves on a free port until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    served = PapersServer(f"http://127.0.0.1:{server.server_address[1]}", fault)
    handler.served = served  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
