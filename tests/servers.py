"""Small servers on this machine that containers of the default bridge can reach."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandboxes.client import connect

Answer = Callable[[str, dict[str, str]], tuple[int, str, bytes]]


@dataclass
class Served:
    """A server that runs.

    Args:
        address: the bridge's own, of this machine.
        port: its port.
        asked: the paths asked for, with the header fields in lower case.
    """

    address: str
    port: int
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def gateway() -> str:
    """This machine's address on the engine's default bridge."""
    client = connect()
    try:
        found: Any = client.inspect_network("bridge")
    finally:
        client.close()
    return str(found["IPAM"]["Config"][0].get("Gateway") or "172.17.0.1")


@contextmanager
def serving(answer: Answer) -> Iterator[Served]:
    """An HTTP server.

    Args:
        answer: path and header fields → status, content type, body.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fields = {name.lower(): value for name, value in self.headers.items()}
            served.asked.append((self.path, fields))
            status, kind, body = answer(self.path, fields)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer((gateway(), 0), Handler) as server:
        served = Served(str(server.server_address[0]), server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
