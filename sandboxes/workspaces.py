"""Workspaces are volumes: given to the sandbox's user, and removed with their container."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import SandboxSpec
from labcrew.errors import EngineError
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.images import base_tag

if TYPE_CHECKING:
    from docker.api import APIClient


def is_foreign(client: APIClient, image: str) -> bool:
    """Whether an image was not made from labcrew's own, so that its /workspace is anybody's."""
    from docker.errors import ImageNotFound

    with translated(f"look at image {image}"):
        try:
            found: Any = client.inspect_image(image)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            return False  # creating the container says so better
    return not (found["Config"]["Labels"] or {}).get(hardening.CREW_MARK)


def prepare(client: APIClient, home: str, spec: SandboxSpec, volume: str) -> None:
    """Lets labcrew's own image give a volume its owner; the container for it never starts."""
    name = f"{volume}-prepare"
    update = {"name": f"{spec.name}-prepare", "image": base_tag(), "inputs": ()}
    body = hardening.body(home, spec.model_copy(update=update), volume)
    body["HostConfig"]["Mounts"][0]["VolumeOptions"]["Labels"][hardening.NAME] = spec.name
    remove_container(client, name)
    with translated(f"prepare the workspace of {spec.name}"):
        client.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
    remove_container(client, name)


def remove_container(client: APIClient, container: str) -> None:
    """Removes a container, running or not; nothing if there is none."""
    from docker.errors import APIError
    from docker.errors import NotFound as Missing

    with translated(f"remove container {container}"):
        for _ in range(100):
            try:
                client.remove_container(container, force=True, v=True)
            except Missing:
                return
            except APIError as error:
                if error.status_code != 409:
                    raise
                time.sleep(0.1)  # its removal is under way
            else:
                return
    raise EngineError(f"Container {container} does not go away")


def remove_volume(client: APIClient, volume: str) -> None:
    """Removes a volume; nothing if there is none."""
    from docker.errors import NotFound as Missing

    with translated(f"remove volume {volume}"):
        try:
            client.remove_volume(volume)
        except Missing:
            return
