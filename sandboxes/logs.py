"""A container's output as cleaned text, from its first byte to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import OUTPUT_CUT
from labcrew.errors import EngineError, EngineUnavailable, OutcomeUnknown
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.text import Cleaner, clean

if TYPE_CHECKING:
    from docker.api import APIClient

_PATIENCE_S = 15.0
_PAUSE_S = 0.2
_TAIL = 16
"""The share of a capped output that is kept for its end: a sixteenth."""
_A_SECOND = 1024
"""The share of its cap that an output may show a second to who watches it, past the cap."""


def follow(client: APIClient, container: str, cap_bytes: int | None = None) -> Iterator[str]:
    """Yields text until the container ends; a lost engine is asked again for a while.

    Of more than the container's output cap, or the one given, the beginning and the end are
    yielded, with a line between them that says so.
    Raises EngineError if there is no such container, OutcomeUnknown if the engine stays away.
    """
    found = _found(client, container)
    cap = _cap(found) if cap_bytes is None else cap_bytes
    head, tail = cap - cap // _TAIL, cap // _TAIL
    cleaner, seen, end = Cleaner(), 0, bytearray()
    for chunk in _output(client, container, found):
        room = max(0, head - seen)
        seen += len(chunk)
        if room and (text := cleaner.feed(chunk[:room])):
            yield text
        end += chunk[room:]
        if len(end) > 2 * tail:
            del end[:-tail]
    if seen <= cap:
        if text := cleaner.feed(bytes(end)) + cleaner.end():
            yield text
        return
    yield f"{cleaner.end()}\n{OUTPUT_CUT}: there are more than {cap >> 20} MiB of it]\n"
    last = end[-tail:]
    yield clean(bytes(last[_after_line_end(last) :]))


def watch(client: APIClient, container: str) -> Iterator[str]:
    """Yields text as it comes until the container ends, for who judges the run.

    Past the container's output cap, whole lines are left out where they come so fast that judging
    them would cost more than the run.
    Raises as `follow`.
    """
    found = _found(client, container)
    cleaner, thinned = Cleaner(), Thinned(_cap(found))
    for chunk in _output(client, container, found):
        if text := cleaner.feed(thinned.take(chunk, time.monotonic())):
            yield text
    if text := cleaner.end():
        yield text


class Thinned:
    """Lets a stream through up to an allowance, and past it only so much a second, in whole lines.

    Args:
        cap: bytes that pass at any speed.
    """

    def __init__(self, cap: int) -> None:
        self._cap, self._left = cap, float(cap)
        self._at: float | None = None
        self._dropping = False

    def take(self, chunk: bytes, now: float) -> bytes:
        """What of the next bytes passes.

        Args:
            now: monotonic seconds.
        """
        passed = 0.0 if self._at is None else now - self._at
        self._left, self._at = min(self._cap, self._left + passed * self._cap / _A_SECOND), now
        if self._dropping:
            begin = _after_line_end(chunk)
            if self._left <= 0 or not begin:
                return b""
            self._dropping = False
            chunk = b"\n" + chunk[begin:]
        self._left -= len(chunk)
        if self._left <= 0:
            self._dropping = True
            return chunk[: 1 + max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))]
        return chunk


def _after_line_end(data: bytes | bytearray) -> int:
    """Where the second line begins; 0 where no line ends."""
    return 1 + min((at for at in (data.find(b"\n"), data.find(b"\r")) if at >= 0), default=-1)


def _found(client: APIClient, container: str) -> dict[str, Any]:
    with translated(f"read the output of {container}"):
        found: dict[str, Any] = client.inspect_container(container)
    return found


def _cap(found: dict[str, Any]) -> int:
    return int(found["Config"]["Labels"].get(hardening.OUTPUT, "64")) << 20


def _output(client: APIClient, container: str, found: dict[str, Any]) -> Iterator[bytes]:
    """Every byte once, until the container ends, however often the engine is lost meanwhile."""
    seen = 0
    lost_since: float | None = None
    while True:
        skip = seen
        try:
            # Asked before reading: a stream that was open at the end may lack the last lines, so
            # what counts as whole is a reading that began after it.
            over = not _running(client, container)
            with translated(f"read the output of {container}"):
                for chunk in _chunks(client, container, found):
                    lost_since = None
                    if skip >= len(chunk):
                        skip -= len(chunk)
                        continue
                    new, skip = chunk[skip:], 0
                    seen += len(new)
                    yield new
            if over:
                return
            if _running(client, container):
                time.sleep(_PAUSE_S)
        except (EngineUnavailable, OutcomeUnknown):
            now = time.monotonic()
            lost_since = lost_since or now
            if now - lost_since > _PATIENCE_S:
                raise
            time.sleep(_PAUSE_S)
        except EngineError as error:
            if "no such container" in error.message.lower():
                return  # removed while it was followed: that, too, is its end
            raise


def _chunks(client: APIClient, container: str, found: dict[str, Any]) -> Iterator[bytes]:
    """The output's bytes from the first, both streams in the order of their coming."""
    api: Any = client
    query = {"stdout": 1, "stderr": 1, "follow": 1, "tail": "all"}
    response = api._get(
        api._url("/containers/{0}/logs", container), params=query, timeout=None, stream=True
    )
    try:
        api._raise_for_status(response)
        if found["Config"].get("Tty"):  # one stream, without heads
            yield from api._stream_raw_result(response, 4096, False)
        else:
            yield from api._multiplexed_response_stream_helper(response)
    finally:
        response.close()  # docker-py's own stream stays open when it is left before its end


def _running(client: APIClient, container: str) -> bool:
    with translated(f"look at container {container}"):
        return bool(client.inspect_container(container)["State"]["Running"])
