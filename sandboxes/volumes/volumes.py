"""Workspaces' volumes: capped in size and number of files, or plain where a setting says so.

A capped workspace is an ext4 file system in an image file, which the home's keeper makes and holds
behind a loop device. The engine mounts it as any volume, so that it lasts as one does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from labcrew.domain.sandbox import Limits
from labcrew.errors import EngineError
from sandboxes import hardening
from sandboxes.client import translated
from sandboxes.images import base_tag
from sandboxes.volumes.keeper import Keeper
from sandboxes.volumes.workspaces import remove_container, remove_volume

if TYPE_CHECKING:
    from docker.api import APIClient

Mode = Literal["capped", "plain"]
_OPTIONS = "nosuid,nodev,noatime"


class Volumes:
    """The workspaces of one home.

    Args:
        client: answers the engine when it is needed.
        home_id: the home's id.
        owner: who the home belongs to, as a label.
        mode: "plain" leaves workspaces without a cap.
    """

    def __init__(
        self, client: Callable[[], APIClient], home_id: str, owner: str, mode: Mode
    ) -> None:
        self._client, self._home, self._owner = client, home_id, owner
        self._mode = mode
        self._kept: Keeper | None = None
        self._making = threading.Lock()

    @property
    def capped(self) -> bool:
        """Whether workspaces have a cap."""
        return self._mode == "capped"

    @property
    def keeper(self) -> str:
        """The container of the keeper that serves now; nothing for none."""
        return self._kept.name if self._kept is not None else ""

    def driver(self, volume: str, limits: Limits, labels: dict[str, str]) -> dict[str, Any]:
        """How the engine shall make a workspace's volume, as its DriverConfig; {}: it is made.

        Raises StorageFull, EngineError.
        """
        if not self.capped:
            self._give_away(volume, labels)
            return {}
        link = self._keeper.ask(
            "make", name=volume, mb=limits.workspace_mb, files=limits.workspace_files
        )
        device = f"{self._keeper.folder}/{link}"
        return {"Name": "local", "Options": {"type": "ext4", "device": device, "o": _OPTIONS}}

    def ready(self, volume: str) -> None:
        """Called before the engine mounts a workspace again: its device is there afterwards."""
        if self.capped and self._keeper.has_any():
            self._keeper.ask("hold", name=volume)

    def full(self, volume: str) -> bool:
        """Whether a workspace whose container has ended has no room left."""
        if not self.capped or not self._keeper.has_any():
            return False
        try:
            usage: dict[str, int] = self._keeper.ask("usage", name=volume)
        except EngineError:
            return False  # an older workspace, from before there was a cap
        few = usage["free_bytes"] < max(1 << 20, usage["bytes"] // 100)
        return few or usage["free_files"] < max(2, usage["files"] // 1000)

    def used(self, volume: str) -> tuple[int, int] | None:
        """Bytes used and in all of a workspace that is in use; None where that is not known.

        What was written counts once the kernel has given it a place on the disk, which can take
        half a minute. Raises EngineError.
        """
        if not self.capped or not self._keeper.has_any():
            return None
        usage: dict[str, int] = self._keeper.ask("used", name=volume)
        return usage["bytes"] - usage["free_bytes"], usage["bytes"]

    def names(self) -> set[str]:
        """The workspaces that have an image."""
        any_ = self.capped and self._keeper.has_any()
        return set(self._keeper.ask("names")) if any_ else set()

    def remove(self, volume: str) -> None:
        """Removes a workspace; nothing if there is none."""
        remove_volume(self._client(), volume)
        if self.capped and self._keeper.has_any():
            self._keeper.ask("drop", name=volume)

    def close(self) -> None:
        """Ends the keeper; workspaces stay."""
        if self._kept is not None:
            self._kept.close()

    def _give_away(self, volume: str, labels: dict[str, str]) -> None:
        """Makes a plain volume that belongs to the sandbox's user, as labcrew's own image has it.

        The container that the engine copies the owner for never starts.
        """
        client, name = self._client(), f"{volume}-prepare"
        mount = {
            "Type": "volume",
            "Source": volume,
            "Target": "/workspace",
            "VolumeOptions": {"Labels": labels},
        }
        # Marked as a keeper is, so that one that was left by a crash goes before its volume does.
        marks = {hardening.KEEPER: self._home, hardening.OWNER: self._owner}
        body = {"Image": base_tag(), "Labels": marks, "HostConfig": {"Mounts": [mount]}}
        remove_container(client, name)
        with translated(f"prepare the workspace {volume}"):
            client.create_container_from_config(body, name)  # type: ignore[no-untyped-call]
        remove_container(client, name)

    @property
    def _keeper(self) -> Keeper:
        with self._making:
            if self._kept is None:
                self._kept = Keeper(self._client(), self._home, self._owner)
            return self._kept
