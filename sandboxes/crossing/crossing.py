"""Files on their way out of a container: the engine's tar of a workspace path, read by files.py."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from labcrew import beneath
from labcrew.domain.sandbox import OutputFile
from labcrew.errors import BoundaryError, EngineError, ToolError
from sandboxes.client import translated
from sandboxes.crossing import files
from sandboxes.crossing.tarballs import relative

if TYPE_CHECKING:
    from docker.api import APIClient

_CHUNK = 1 << 18
_GO_FOLDER = 1 << 31


class Crossing:
    """Copies files from containers' workspaces.

    Args:
        client: the engine.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client

    def collect(
        self, container: str, path: str, destination: Path, cap_mb: int
    ) -> tuple[OutputFile, ...]:
        """The regular files beneath a workspace folder; none where the folder is missing."""
        if destination.exists():
            return tuple(beneath.listed(destination))
        inside = "." if path in {"", "."} else relative(path).as_posix()
        with translated(f"copy {path} from {container}"), self._archive(container, inside) as tar:
            chunks = tar if tar is not None else iter(())
            if tar is None:
                destination.mkdir(parents=True, exist_ok=True)
                return ()
            strip = inside.rpartition("/")[2] if inside != "." else ""
            return files.take(chunks, destination, cap_mb=cap_mb, strip=strip).files

    def read_file(self, container: str, path: str, cap_mb: int) -> bytes:
        """One regular file. Raises ToolError where there is none, BoundaryError past the cap."""
        inside = relative(path).as_posix()
        with translated(f"read {path} in {container}"), self._archive(container, inside) as tar:
            if tar is None:
                raise ToolError(f"{path} does not exist in the workspace")
            return files.single(tar, path, cap_mb)

    @contextmanager
    def _archive(self, container: str, inside: str) -> Iterator[Iterator[bytes] | None]:
        """The engine's tar of a path, as chunks; None where the path is missing."""
        from docker.errors import NotFound as Missing

        api: Any = self._client
        address = api._url("/containers/{0}/archive", container)
        self._check_way(address, PurePosixPath(inside))
        response = api._get(address, params={"path": f"/workspace/{inside}"}, stream=True)
        try:
            try:
                api._raise_for_status(response)
            except Missing as error:
                if "no such container" in str(error.explanation).lower():
                    raise EngineError(f"There is no container {container}") from error
                yield None
                return
            yield response.iter_content(_CHUNK)
        finally:
            response.close()  # what is left unread, a terabyte of holes say, is never sent

    def _check_way(self, address: str, inside: PurePosixPath) -> None:
        """Refuses a path that leads through a link: the engine would follow it.

        The last component is never followed. One that is swapped after this look still leads to
        nothing but the container's own files: the engine resolves it in there (`docker cp`).
        """
        api: Any = self._client
        for folder in reversed(inside.parents[:-1]):
            response = api.head(
                address, params={"path": f"/workspace/{folder}"}, timeout=api.timeout
            )
            told = response.headers.get("X-Docker-Container-Path-Stat", "")
            if response.status_code == 200 and not _mode(told) & _GO_FOLDER:
                raise BoundaryError(f"{folder} in the workspace is no folder but a link or a file")


def _mode(told: str) -> int:
    """The mode, as Go writes it, in the engine's answer about a path; 0 where there is none."""
    try:
        return int(json.loads(base64.b64decode(told))["mode"])
    except (ValueError, KeyError, TypeError):
        return 0
