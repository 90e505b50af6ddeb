"""The board's own files: styles, scripts, icons; addressed by what they hold, kept for a year."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from labcrew.errors import NotFound

FOLDER = Path(__file__).parent / "static"
router = APIRouter(include_in_schema=False)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@cache
def version() -> str:
    """A hash over all files; it stands in their addresses, so that a browser may keep them."""
    digest = hashlib.sha256()
    for path, file in sorted(_files().items()):
        digest.update(path.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def asset(path: str) -> str:
    """The address of a file in static/."""
    if path not in _files():
        raise FileNotFoundError(f"static/{path}")
    return f"/static/{version()}/{path}"


@router.get("/static/{version}/{path:path}")
def static(version: str, path: str) -> Response:
    """A file, by its name among those that are shipped. Raises NotFound."""
    file = _files().get(path)
    if file is None:
        raise NotFound(f"The board has no file {path[:80]!r}.")
    return FileResponse(
        file,
        media_type=_TYPES[file.suffix],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@cache
def _files() -> dict[str, Path]:
    return {
        file.relative_to(FOLDER).as_posix(): file
        for file in FOLDER.rglob("*")
        if file.suffix in _TYPES
    }
