"""A proxy's journal, read as what it is: text from a container."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from labcrew.domain.sandbox import NetworkRequest
from sandboxes.text import clean

_MOST_BYTES, _MOST_KINDS = 16 << 20, 200
_TEXT = 300


def read_journal(log: bytes) -> tuple[NetworkRequest, ...]:
    """The requests of a journal, alike ones counted, in the order in which they first came.

    At most 200 kinds; what is beyond them is counted in one more, whose host is "(others)".
    """
    found: dict[tuple[str, int, str, str], NetworkRequest] = {}
    for line in log[:_MOST_BYTES].splitlines():
        request = _request(line)
        if request is None:
            continue
        if len(found) >= _MOST_KINDS and _kind(request) not in found:
            others = {"host": "(others)", "port": 0, "reason": ""}
            request = request.model_copy(update=others)
        known = found.get(_kind(request))
        if known is not None:
            request = known.model_copy(
                update={
                    "times": known.times + 1,
                    "down_bytes": known.down_bytes + request.down_bytes,
                    "up_bytes": known.up_bytes + request.up_bytes,
                }
            )
        found[_kind(request)] = request
    return tuple(found.values())


def _kind(request: NetworkRequest) -> tuple[str, int, str, str]:
    return request.host, request.port, request.verdict, request.reason


def _request(line: bytes) -> NetworkRequest | None:
    try:
        data: Any = json.loads(line)
        return NetworkRequest(
            host=clean(str(data["host"]))[:_TEXT],
            port=data["port"],
            verdict=data["verdict"],
            reason=clean(str(data["reason"]))[:_TEXT],
            down_bytes=data["down_bytes"],
            up_bytes=data["up_bytes"],
            first_at=clean(str(data["at"]))[:40],
        )
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
        return None  # "ready", or a line that is no request
