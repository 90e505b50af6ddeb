"""One session with a server that speaks the Model Context Protocol over standard streams.

This source is what runs inside a sandbox, by any Python 3 and without a library: the request comes
as JSON on standard input, and what came of it leaves as one line of JSON. All of it is untrusted.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from typing import Any

VERSION = "2025-06-18"  # of the protocol (modelcontextprotocol.io/specification)
_PAGES = 20
_TOOLS = 500


class Ended(Exception):
    """The session is over, and why."""


def definition(raw: Any) -> dict[str, Any]:
    """What a server says of a tool, in one form. Raises Ended."""
    if not isinstance(raw, dict):
        raise Ended("its list of tools holds something else")
    return {
        "name": raw.get("name"),
        "title": raw.get("title") or "",
        "description": raw.get("description") or "",
        "input_schema": raw.get("inputSchema"),
        "output_schema": raw.get("outputSchema"),
        "annotations": raw.get("annotations"),
    }


class Session:
    """The streams of a server's process.

    Args:
        process: with both streams open, unbuffered.
        until: the clock's time (monotonic) at which patience ends.
        most: bytes that are read of it in all.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", until: float, most: int) -> None:
        self._process, self._until, self._left = process, until, most
        self._read = b""
        self._asked = 0

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a request. Raises Ended."""
        self._asked += 1
        self.tell({"id": self._asked, "method": method, "params": params})
        while True:
            message = self._message()
            if not isinstance(message, dict):
                raise Ended("it said something that is no message")
            if "method" in message:
                self._refuse(message)
            elif message.get("id") == self._asked:
                if "error" in message:
                    error = message["error"]
                    said = error.get("message") if isinstance(error, dict) else error
                    raise Ended("it answered with an error: " + str(said)[:300])
                return message.get("result")

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a message. Raises Ended."""
        assert self._process.stdin is not None
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except OSError:
            raise Ended("it ended") from None

    def _refuse(self, message: dict[str, Any]) -> None:
        """A server may ask back; nothing but whether anybody is there is answered."""
        if "id" not in message:
            return
        if message["method"] == "ping":
            self.tell({"id": message["id"], "result": {}})
        else:
            self.tell({"id": message["id"], "error": {"code": -32601, "message": "not offered"}})

    def _message(self) -> Any:
        while b"\n" not in self._read:
            self._read += self._some()
        line, _, self._read = self._read.partition(b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise Ended("it said something that is no JSON") from None

    def _some(self) -> bytes:
        assert self._process.stdout is not None
        left = self._until - time.monotonic()
        if left <= 0 or not select.select([self._process.stdout], [], [], left)[0]:
            raise Ended("it did not answer in time")
        some = os.read(self._process.stdout.fileno(), min(65536, self._left + 1))
        self._left -= len(some)
        if not some:
            raise Ended("it ended")
        if self._left < 0:
            raise Ended("it answered more than may be read")
        return some


def session(request: dict[str, Any], talk: Session) -> dict[str, Any]:
    """Lists the tools, and calls the wanted one if it is still as described. Raises Ended."""
    hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": request["client"]}
    talk.ask("initialize", hello)
    talk.tell({"method": "notifications/initialized"})
    tools: list[Any] = []
    cursor = None
    for _ in range(_PAGES):
        page = talk.ask("tools/list", {"cursor": cursor} if cursor else {})
        if not isinstance(page, dict) or not isinstance(page.get("tools"), list):
            raise Ended("its list of tools is none")
        tools += [definition(raw) for raw in page["tools"]]
        cursor = page.get("nextCursor")
        if not cursor or len(tools) > _TOOLS:
            break
    if len(tools) > _TOOLS:
        raise Ended("it offers more tools than may be read")
    wanted = request["wanted"]
    if wanted is None:
        return {"tools": tools}
    same = [tool for tool in tools if tool["name"] == wanted["name"]]
    if same != [wanted]:
        return {"tools": same}
    call = {"name": wanted["name"], "arguments": request["arguments"]}
    return {"tools": same, "result": talk.ask("tools/call", call)}


def main() -> None:
    """Reads the request, holds the session, says what came of it."""
    request = json.load(sys.stdin)
    told: dict[str, Any]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                request["command"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **request["environment"]},
                start_new_session=True,
            )
        except OSError as error:
            told = {"error": "it could not be started: " + str(error)}
        else:
            until = time.monotonic() + request["timeout_s"]
            try:
                told = session(request, Session(process, until, request["most_bytes"]))
            except Ended as end:
                told = {"error": str(end)}
            process.kill()
            if "error" in told:
                errors.seek(max(0, errors.seek(0, os.SEEK_END) - 500))
                told["log"] = errors.read().decode("utf-8", "replace")
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
