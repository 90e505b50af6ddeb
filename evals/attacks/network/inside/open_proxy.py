"""The control's proxy: it does whatever it is asked, as a few lines from a tutorial do."""

import re
import select
import socket
import socketserver
from contextlib import suppress


class Open(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Reads a head, connects wherever it says, passes everything on."""
        client, data = self.request, b""
        client.settimeout(60)
        with suppress(OSError):
            while not re.search(rb"\r?\n\r?\n", data) and len(data) < 8 << 20:
                part = client.recv(1 << 16)
                if not part:
                    return
                data += part
            target = data.split()[1].decode("utf-8", "replace")
            if data.startswith(b"CONNECT"):
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n") if self._reached(target) else None
                data = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[1]
            else:
                found = re.match(r"\w+://([^/]+)", target)
                host = re.search(rb"(?mi)^host:[ \t]*(\S+)", data)
                self._reached(found[1] if found else host[1].decode() if host else "")
            self._pass(data)

    def _reached(self, place: str) -> bool:
        host, _, port = place.rpartition("@")[2].rpartition(":")
        host = host.strip("[]").split("\0")[0]
        self.there = socket.create_connection((host or port, int(port) if host else 80), timeout=5)
        return True

    def _pass(self, first: bytes) -> None:
        self.there.sendall(first)
        while True:
            ready, _, _ = select.select([self.request, self.there], [], [], 10)
            if not ready:
                return
            for one in ready:
                data = one.recv(1 << 16)
                if not data:
                    return
                (self.there if one is self.request else self.request).sendall(data)


class Threading(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    with Threading(("0.0.0.0", 3128), Open) as server:
        print("ready", flush=True)
        server.serve_forever()
