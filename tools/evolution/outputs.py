"""Raw outputs of candidates, kept by their content: untrusted data, read back as bytes alone."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from labcrew import beneath
from labcrew.domain.evolution import RawRun
from labcrew.errors import EvidenceError, LabcrewError
from labcrew.home import Home


def _folder(home: Home, evolution: str) -> Path:
    return home.outputs(evolution, "raw")


def keep_outputs(home: Home, evolution: str, runs: Iterable[RawRun]) -> None:
    """Keeps what runs wrote, though it be nothing; the same bytes once."""
    folder = _folder(home, evolution)
    folder.mkdir(parents=True, exist_ok=True)
    for run in runs:
        if run.status == "ok":
            place = folder / hashlib.sha256(run.output).hexdigest()
            if not place.exists():
                partial = place.with_suffix(f".{run.job.alias}.partial")
                partial.write_bytes(run.output)
                partial.replace(place)


def kept_output(home: Home, evolution: str, sha256: str) -> bytes:
    """The bytes with this hash. Raises EvidenceError: gone, or changed since."""
    try:
        content = beneath.read(_folder(home, evolution), sha256)
    except (LabcrewError, OSError) as error:
        raise EvidenceError(f"The output {sha256[:12]} of {evolution} is gone: {error}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise EvidenceError(
            f"The output {sha256[:12]} of {evolution} has changed since it was kept.",
            "Restore it from a backup; a score can't rest on it.",
        )
    return content
