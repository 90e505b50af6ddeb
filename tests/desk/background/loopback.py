"""A webhook's receiver and a mail server on this machine, with faults when they are asked for."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What came to a webhook; `answers` are given in turn, then 204.

    An answer is a status, "slow" (it takes too long) or an address to be sent on to.
    """

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int | str] = []
        self.url = ""


@contextmanager
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((dict(self.headers), body))
            answer = kept.answers.pop(0) if kept.answers else 204
            if answer == "slow":
                time.sleep(1.0)
                return
            self.send_response(302 if isinstance(answer, str) else answer)
            if isinstance(answer, str):
                self.send_header("Location", answer)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        kept.url = f"http://127.0.0.1:{port}/hook"
        yield kept


class Postman:
    """What came to a mail server; `refuses` answers so many letters with `code` first."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.logins = 0
        self.refuses = 0
        self.code = 451
        self.port = 0


@contextmanager
def postman() -> Iterator[Postman]:
    kept = Postman()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper().split(" ")[0]
                if word == "EHLO":
                    self.say("250-here")
                    self.say("250 AUTH PLAIN")
                elif word == "AUTH":
                    kept.logins += 1
                    self.say("235 welcome")
                elif word == "DATA":
                    self.data()
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 fine")

        def data(self) -> None:
            if kept.refuses > 0:
                kept.refuses -= 1
                self.say(f"{kept.code} not now")
                return
            self.say("354 go on")
            lines = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line)
            kept.letters.append("\n".join(lines))
            self.say("250 taken")

    with served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        kept.port = port
        yield kept


@contextmanager
def served(server: Any) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
