"""A forge on this machine: requests in memory, git over real HTTP, faults when they are asked for.

Which API it speaks is a table of routes (gitlab_routes.py, github_routes.py).
"""

import io
import json
import os
import re
import socket
import struct
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "glpat-a-token-of-the-tests-0123456789"
PROJECT = "lab/toy"
ME, ALICE, STRANGER = (1, "labcrew-bot"), (2, "alice"), (9, "stranger")


@dataclass
class Fault:
    """What happens instead of an answer, to calls whose method and path fit.

    Args:
        call: a regular expression for `METHOD path`.
        status: answered; 0: see `does`.
        does: "reset" breaks the connection, "sleep" answers too late, "after" resets it once the
            call was carried out.
        times: how often.
    """

    call: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    does: str = ""
    times: int = 1


@dataclass
class Request:
    """A merge request of the forge's own memory.

    Args:
        fork: the newest commit of the fork that it comes from; empty: of the project's own branch.
    """

    number: int
    branch: str
    target: str
    title: str
    text: str
    state: str = "open"
    merged_head: str = ""
    fork: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    asking: set[int] = field(default_factory=set)


Answer = tuple[int, Any]
Route = tuple[str, str, Callable[..., Answer]]


class Refused(Exception):
    """An answer that ends a call: status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.answer: Answer = (status, body)


class ForgeServer:
    """Serves until it is left.

    Args:
        root: where the forge keeps its repository.
        routes: (method, pattern of the path, function of this server, the match and the fields).
        allowed: whether the headers of an API call hold the token.
    """

    def __init__(self, root: Path, routes: list[Route], allowed: Callable[[Message], bool]) -> None:
        self.bare = root / f"{PROJECT}.git"
        self.root, self.routes, self.allowed = root, routes, allowed
        self.requests: dict[int, Request] = {}
        self.statuses: list[tuple[str, str, str]] = []
        self.members = {ME[0], ALICE[0]}
        self.readers: set[int] = set()
        """Who was invited, and may not push."""
        self.issues: dict[int, dict[str, Any]] = {}
        self.faults: list[Fault] = []
        self.calls: list[str] = []
        self.seen: list[str] = []
        self._ids = 100
        self.bare.mkdir(parents=True)
        self.git("init", "-q", "--bare", "--initial-branch=main", ".")
        self.git("config", "http.receivepack", "true")

    def __enter__(self) -> "ForgeServer":
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                forge.serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
        for who in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{who}_NAME": "forge", f"GIT_{who}_EMAIL": "forge@localhost"}
        done = subprocess.run(
            ["git", "-C", str(self.bare), *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip()

    def head(self, branch: str) -> str:
        return self.git("rev-parse", "-q", "--verify", f"refs/heads/{branch}")

    def next_id(self) -> int:
        self._ids += 1
        return self._ids

    def of_branch(self, branch: str) -> list[Request]:
        return [r for r in reversed(self.requests.values()) if r.branch == branch]

    def is_open(self, branch: str) -> bool:
        """Whether a request from the project's own branch is open."""
        return any(r.state == "open" and not r.fork for r in self.of_branch(branch))

    def head_of(self, request: Request) -> str:
        """The newest commit of a request."""
        return request.fork or request.merged_head or self.head(request.branch)

    def request(self, number: str) -> Request:
        if int(number) not in self.requests:
            raise Refused(404, {"message": "404 Not found"})
        return self.requests[int(number)]

    def add(self, branch: str, target: str, title: str, text: str) -> Request:
        number = len(self.requests) + 7
        made = Request(number, branch, target, title, text)
        self.requests[number] = made
        return made

    def merge(self, request: Request) -> None:
        request.merged_head = self.head_of(request)
        self.git("update-ref", f"refs/heads/{request.target}", request.merged_head)
        request.state = "merged"

    def serve(self, http: BaseHTTPRequestHandler) -> None:
        body = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        parts = urlsplit(http.path)
        path = unquote(parts.path)
        line = f"{http.command} {path}"
        self.calls.append(line)
        self.seen.append(http.path)
        fault = next((f for f in self.faults if f.times and re.search(f.call, line)), None)
        if fault is not None:
            fault.times -= 1
            if fault.does == "reset":
                _reset(http)
                return
            if fault.does == "sleep":
                time.sleep(1.5)
                http.close_connection = True
                return
            if fault.status:
                _send(http, fault.status, fault.body, fault.headers)
                return
        if path.startswith(f"/{PROJECT}.git/"):
            self._git_http(http, path, parts.query, body)
            return
        answer = self._api(http, path, parts.query, body)
        if fault is not None and fault.does == "after":
            _reset(http)
            return
        _send(http, *answer, {})

    def _api(self, http: BaseHTTPRequestHandler, path: str, query: str, body: bytes) -> Answer:
        if not self.allowed(http.headers):
            return 401, {"message": "Bad credentials"}
        fields = {name: values[-1] for name, values in parse_qs(query).items()}
        if body:
            fields |= json.loads(body)
        for method, pattern, route in self.routes:
            found = re.fullmatch(pattern, path)
            if found and method == http.command:
                try:
                    return route(self, found, fields)
                except Refused as refused:
                    return refused.answer
        return 404, {"message": "404 Not Found"}

    def _git_http(self, http: BaseHTTPRequestHandler, path: str, query: str, body: bytes) -> None:
        word = b64encode(f"oauth2:{TOKEN}".encode()).decode()
        if http.headers.get("Authorization") != f"Basic {word}":
            _send(http, 401, "who?", {"WWW-Authenticate": "Basic realm=forge"})
            return
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": http.command, "REMOTE_USER": "bot",
            "CONTENT_TYPE": http.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PROTOCOL": http.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": http.headers.get("Content-Encoding", ""),
        }  # fmt: skip
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=body, capture_output=True, check=True
        )
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200 OK").split()[0])
        _send(http, status, rest, headers)


def _send(http: BaseHTTPRequestHandler, status: int, body: Any, headers: Mapping[str, str]) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    if isinstance(body, str):
        raw = body.encode()
    http.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        http.send_header(name, value)
    http.send_header("Content-Length", str(len(raw)))
    http.end_headers()
    http.wfile.write(raw)


def _reset(http: BaseHTTPRequestHandler) -> None:
    http.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    http.close_connection = True
    http.rfile.close()
    http.wfile.close()
    http.connection.close()
    http.rfile, http.wfile = io.BufferedReader(io.BytesIO()), io.BytesIO()
