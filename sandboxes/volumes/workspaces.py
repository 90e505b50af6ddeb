"""Containers and volumes, removed whatever state they are in."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from labcrew.errors import EngineError
from sandboxes.client import translated

if TYPE_CHECKING:
    from docker.api import APIClient

_TRIES = 300
_PAUSE_S = 0.1
_ID = re.compile(r"\b[0-9a-f]{64}\b")


def remove_container(client: APIClient, container: str) -> None:
    """Removes a container, running or not; nothing if there is none."""
    from docker.errors import APIError
    from docker.errors import NotFound as Missing

    with translated(f"remove container {container}"):
        for _ in range(_TRIES):
            try:
                client.remove_container(container, force=True, v=True)
            except Missing:
                return
            except APIError as error:
                # 409: its removal is under way. Busy: a mount was let go of late, and the engine,
                # which gave up at that, keeps the container, dead and in time without its name,
                # until it is asked again.
                if error.status_code != 409 and "busy" not in str(error):
                    raise
                container = _id_of(client, container, str(error.explanation))
                time.sleep(_PAUSE_S)
            else:
                return
    raise EngineError(f"Container {container} does not go away")


def _id_of(client: APIClient, container: str, said: str) -> str:
    """The container's id, by what the engine said of it or says now; else the name it goes by."""
    from docker.errors import NotFound as Missing

    if (told := _ID.search(said)) is not None:
        return told[0]
    try:
        return str(client.inspect_container(container)["Id"])
    except Missing:
        return container


def remove_volume(client: APIClient, volume: str) -> None:
    """Removes a volume; nothing if there is none."""
    from docker.errors import NotFound as Missing

    with translated(f"remove volume {volume}"):
        try:
            client.remove_volume(volume)
        except Missing:
            return
