"""What runs left, as it stands on the host: hashed anew each time it is relied on."""

import hashlib
from pathlib import Path

from labcrew import beneath
from labcrew.domain.sandbox import OutputFile
from labcrew.errors import BoundaryError, EvidenceError, NotFound


def outputs_hash(files: tuple[OutputFile, ...]) -> str:
    """One hash over paths and contents, independent of order."""
    lines = sorted(f"{f.path}\0{f.sha256}" for f in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def stored_outputs(folder: Path) -> tuple[OutputFile, ...]:
    """The files that stand beneath a folder of collected outputs, hashed anew.

    Raises EvidenceError where a link or another thing lies there that never crossed.
    """
    try:
        return tuple(beneath.listed(folder))
    except BoundaryError as error:
        raise EvidenceError(
            f"The stored outputs hold what no sandbox may leave: {error.message}.",
            "Restore them from a backup; a score can't rest on them.",
        ) from error


def checkpoint_hash(root: Path, path: str) -> str:
    """The SHA-256 of a checkpoint: a file's own, or one over the paths and contents of a folder.

    Args:
        root: a trial's stored outputs.
        path: of the checkpoint beneath it; untrusted.

    Raises:
        NotFound: nothing is there.
        BoundaryError: the path leads out, or something lies there that no sandbox may leave.
    """
    below = path.rstrip("/") + "/"
    found = [p for p in beneath.paths(root) if p == path or p.startswith(below)]
    if not found:
        raise NotFound(f"There is no checkpoint {path!r} in {root}")
    files = [_hashed(root, p) for p in found]
    if found == [path]:
        return files[0].sha256
    return outputs_hash(
        tuple(f.model_copy(update={"path": f.path.removeprefix(below)}) for f in files)
    )


def _hashed(root: Path, path: str) -> OutputFile:
    digest, size = hashlib.sha256(), 0
    with beneath.opened(root, path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
    return OutputFile(path=path, size_bytes=size, sha256=digest.hexdigest())
