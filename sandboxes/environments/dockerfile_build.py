"""One build of a user's Dockerfile: within an install's limits, its last words kept."""

from __future__ import annotations

import io
import math
import time
from collections import deque
from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import Limits
from labcrew.errors import EnvironmentBroken
from sandboxes.hardening import shm_bytes
from sandboxes.text import clean

if TYPE_CHECKING:
    from docker.api import APIClient

_LINES, _LINE_CHARACTERS, _ERROR_CHARACTERS = 12, 300, 2000
# The engine's builds know no cap on cores by number: where they are short, runs (1024) come first.
_CPU_SHARES = 512
_KILLED = "returned a non-zero code: 137"


def build(
    client: APIClient,
    context: bytes,
    path: str,
    tag: str,
    *,
    network: str,
    arguments: Mapping[str, str],
    limits: Limits,
) -> EnvironmentBroken | None:
    """Builds an image; answers why it could not be, None where it was.

    Args:
        client: the engine.
        context: a tar of what the build sees.
        path: of the Dockerfile in it.
        tag: the image's.
        network: what its containers join.
        arguments: of the build.
        limits: its memory, and its time: a build that says nothing may take that twice.
    """
    import requests
    import urllib3

    due = time.monotonic() + limits.timeout_s
    memory = limits.memory_mb << 20
    lines: deque[str] = deque(maxlen=_LINES)
    failed = ""
    late = False
    try:
        entries: Any = client.build(
            fileobj=io.BytesIO(context), custom_context=True, dockerfile=path, tag=tag,
            rm=True, forcerm=True, decode=True, network_mode=network, buildargs=dict(arguments),
            container_limits={"memory": memory, "memswap": memory, "cpushares": _CPU_SHARES},
            shmsize=shm_bytes(limits), timeout=math.ceil(limits.timeout_s),
        )  # fmt: skip
        with closing(entries):  # the engine ends a build that nobody listens to
            for entry in entries:
                said = str(entry.get("stream", "")).splitlines()
                lines.extend(line[:_LINE_CHARACTERS] for line in said)
                failed = failed or str(entry.get("error", ""))[:_ERROR_CHARACTERS]
                if late := time.monotonic() > due:
                    break
    except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        late = True
    if not late and not failed:
        return None
    reason = ""
    if late:
        reason = f" it took too long ({limits.timeout_s:g} s)"
    elif failed.endswith(_KILLED):
        reason = f" a step was killed, likely as its memory ({limits.memory_mb} MiB) ran out"
    tail = clean("\n".join([*lines, failed])).rstrip()
    return EnvironmentBroken(
        f"{path} could not be built:{reason}\n{tail}",
        "Correct it, or build the image yourself and name it in the ticket (environment.image).",
    )
