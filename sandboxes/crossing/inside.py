"""Files on their way in and out through a container's own runner, as its user: no help of the
engine, which takes ten times as long. What comes out is the container's word, as all its files are.
"""

from __future__ import annotations

from labcrew.errors import BoundaryError, EngineError, StorageFull, ToolError
from sandboxes.crossing.tarballs import relative
from sandboxes.runner.inside.frames import STDERR, STDOUT
from sandboxes.runner.residents import OUTPUT_BYTES, Residents

_IN_S, _OUT_S = 120.0, 60.0
_MISSING, _ODD = 3, 4
_READ = (
    f'[ -h "$0" ] && exit {_ODD}; [ -e "$0" ] || exit {_MISSING}; [ -f "$0" ] || exit {_ODD};'
    ' exec head -c "$1" "$0"'
)
_FULL = (b"No space left", b"Wrote only")  # tar says either


def unpack(residents: Residents, container: str, archive: bytes, *, more: str) -> None:
    """Unpacks a tar in the workspace. A link planted there leads no further than its user could.

    Args:
        more: what to do where there is no room.

    Raises StorageFull, EngineError.
    """
    command = ("tar", "-xf", "-", "-C", "/workspace", "--no-same-owner", "--no-overwrite-dir")
    call = residents.call(container, command, archive, _IN_S, OUTPUT_BYTES)
    if call.exit_code == 0:
        return
    said = bytes(call.output[STDERR])
    if any(words in said for words in _FULL):
        raise StorageFull(f"The workspace of {container} is full", more)
    told = said[-500:].decode("utf-8", "replace")
    raise EngineError(f"Could not write files in {container}: {told}")


def read_file(residents: Residents, container: str, path: str, cap_mb: int) -> bytes:
    """A regular file at the workspace's root, read while nothing else runs there.

    Raises ToolError where there is none, BoundaryError past the cap or for anything else.
    """
    name, most = relative(path).as_posix(), cap_mb << 20
    if "/" in name:
        raise BoundaryError(f"{name} is not at the root of a workspace in memory")
    command = ("sh", "-c", _READ, f"./{name}", str(most + 1))
    call = residents.call(container, command, b"", _OUT_S, most + 1)
    if call.exit_code == _MISSING:
        raise ToolError(f"{name} does not exist in the workspace")
    if call.exit_code != 0:
        raise BoundaryError(f"{name} is not a regular file that can be read")
    content = bytes(call.output[STDOUT])
    if len(content) > most:
        raise BoundaryError(f"{name} holds more than {cap_mb} MiB, which may be read")
    return content
