"""What an engine has: processors, memory, runtimes and images; asked once where it does not change
meanwhile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labcrew.domain.sandbox import Capacity
from labcrew.errors import EngineError, NotFound
from sandboxes.client import translated

if TYPE_CHECKING:
    from docker.api import APIClient

_CREW_MARK = "labcrew.crew"


class Facts:
    """An engine's machine, runtimes and images.

    Args:
        client: answers the engine when it is needed.
    """

    def __init__(self, client: Callable[[], APIClient]) -> None:
        self._client = client
        self._capacity: Capacity | None = None
        self._runtimes: frozenset[str] = frozenset()
        self._images: dict[str, dict[str, Any]] = {}

    def capacity(self) -> Capacity:
        """What its machine has. Raises EngineUnavailable."""
        if self._capacity is None:
            with translated("ask the engine for its machine"):
                found = self._client().info()
            self._capacity = Capacity(cpus=found["NCPU"], memory_mb=found["MemTotal"] >> 20)
        return self._capacity

    def runtime(self, wanted: str) -> str:
        """The runtime, if the engine has it; "" is its default. Raises EngineError."""
        if wanted and not self._runtimes:
            with translated("ask the engine for its runtimes"):
                self._runtimes = frozenset(self._client().info()["Runtimes"])
        if wanted and wanted not in self._runtimes:
            raise EngineError(
                f"The setting sandbox.runtime names {wanted}; the engine has"
                f" {', '.join(sorted(self._runtimes))}",
                "Install it on the engine's host, or clear the setting.",
            )
        return wanted

    def digest(self, image: str) -> str:
        """An image's content id, asked anew each time: names move. Raises NotFound."""
        from docker.errors import ImageNotFound

        with translated(f"look for image {image}"):
            try:
                found: Any = self._client().inspect_image(image)  # type: ignore[no-untyped-call]
            except ImageNotFound:
                raise NotFound(f"The engine has no image {image}") from None
        return str(found["Id"])

    def knows_localhost(self, image: str) -> bool:
        """Whether an image was made from labcrew's own (see sandboxes/image/Dockerfile)."""
        config = self._config(image)
        # Creating the container says better that there is no such image.
        return config is None or _CREW_MARK in (config["Labels"] or {})

    def volumes(self, image: str) -> tuple[str, ...]:
        """Where an image wants volumes of its own, as plain paths."""
        config = self._config(image) or {}
        return tuple(sorted({posixpath.normpath(path) for path in config.get("Volumes") or {}}))

    def _config(self, image: str) -> dict[str, Any] | None:
        from docker.errors import ImageNotFound

        if image not in self._images:
            with translated(f"look at image {image}"):
                try:
                    found: Any = self._client().inspect_image(image)  # type: ignore[no-untyped-call]
                except ImageNotFound:
                    return None
            self._images[image] = found["Config"]
        return self._images[image]
