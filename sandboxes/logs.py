"""A container's output as cleaned text, from its first byte to its end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labcrew.errors import EngineError, EngineUnavailable, OutcomeUnknown
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.text import Cleaner

if TYPE_CHECKING:
    from docker.api import APIClient

_PATIENCE_S = 15.0
_PAUSE_S = 0.2


def follow(client: APIClient, container: str, cap_bytes: int | None = None) -> Iterator[str]:
    """Yields text until the container ends; a lost engine is asked again for a while.

    Past the container's output cap, or the one given, the rest is read and dropped, after a line
    that says so.
    Raises EngineError if there is no such container, OutcomeUnknown if the engine stays away.
    """
    with translated(f"read the output of {container}"):
        found: dict[str, Any] = client.inspect_container(container)
    labelled = int(found["Config"]["Labels"].get(hardening.OUTPUT, "64")) << 20
    cap = labelled if cap_bytes is None else cap_bytes
    cleaner = Cleaner()
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
                    room = cap - seen
                    seen += len(new)
                    if room > 0 and (text := cleaner.feed(new[:room])):
                        yield text
                    if 0 <= room < len(new):
                        yield f"\n[labcrew: output beyond {cap >> 20} MiB is not shown]\n"
            if over:
                break
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
                break  # removed while it was followed: that, too, is its end
            raise
    if text := cleaner.end():
        yield text


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
