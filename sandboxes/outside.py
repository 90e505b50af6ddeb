"""A container that labcrew did not make: only looked at, never touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labcrew.domain.monitoring import Usage
from labcrew.domain.sandbox import SandboxStatus
from labcrew.errors import NotFound
from sandboxes.client import translated
from sandboxes.logs import follow
from sandboxes.states import inspected, read_status
from sandboxes.usage import of_statistics

if TYPE_CHECKING:
    from docker.api import APIClient

_NO_CAP = 1 << 62


class OutsideContainer:
    """One container by its name.

    Raises:
        NotFound: there is none of the name.
        EngineUnavailable: no engine answers.
    """

    def __init__(self, client: APIClient, name: str) -> None:
        self._client, self._name = client, name
        if inspected(client, name) is None:
            raise NotFound(f"There is no container {name!r}.", "Look with: docker ps --all")

    def follow(self) -> Iterator[str]:
        """Its output, cleaned, from the first byte to its end."""
        return follow(self._client, self._name, cap_bytes=_NO_CAP)

    def status(self) -> SandboxStatus:
        """Its state."""
        return read_status(self._name, inspected(self._client, self._name))

    def usage(self) -> Usage | None:
        """What it uses now; None where it doesn't run."""
        with translated(f"measure container {self._name}"):
            found: dict[str, Any] = self._client.stats(self._name, stream=False, one_shot=True)
        return of_statistics(found)
