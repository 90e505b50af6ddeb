"""Which old checkpoints go, and what never does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import checkpoint_tidying
from tools.checkpoint_tidying import tidy

NOW = 10_000.0


def made(folder: Path, name: str, at: float, kib: int = 8) -> Path:
    path = folder / "outputs" / "checkpoints" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"w" * (kib << 10))
    while path.name != "checkpoints":
        os.utime(path, (at, at))
        path = path.parent
    return folder / "outputs" / "checkpoints" / name


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "outputs" / "checkpoints").iterdir())


def tidied(folder: Path, since_step: int | None = None) -> tuple[int, list[str]]:
    return tidy(str(folder), "outputs/checkpoints", since_step, NOW)


def test_the_two_newest_stay_and_the_last_healthy_one(tmp_path: Path) -> None:
    for step in (100, 200, 300, 400, 500):
        made(tmp_path, f"step-{step}.npz", at=step)
    freed, removed = tidied(tmp_path, since_step=250)
    assert removed == ["step-100.npz", "step-300.npz"]
    assert freed == 2 * (8 << 10)
    assert left(tmp_path) == ["step-200.npz", "step-400.npz", "step-500.npz"]
    assert tidied(tmp_path) == (8 << 10, ["step-200.npz"])


def test_a_checkpoint_that_was_cut_short_is_none_of_those_that_stay(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        made(tmp_path, f"a{step}.h5", at=step, kib=64)
    made(tmp_path, "a4.h5", at=4, kib=1)
    assert tidied(tmp_path)[1] == ["a1.h5", "a4.h5"]


def test_what_is_being_written_and_what_has_a_name_stays(tmp_path: Path) -> None:
    for step in range(5):
        made(tmp_path, f"fresh-{step}.pt", at=NOW - 1)
        made(tmp_path, f"best-{step}.pt", at=step)
    for name in ("model.pt", "notes.txt", ".step-1.pt"):
        made(tmp_path, name, at=0)
    assert tidied(tmp_path) == (0, [])


def test_series_are_told_apart(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        made(tmp_path, f"generator-{step}.pt", at=step)
        made(tmp_path, f"critic-{step}.pt", at=step)
        made(tmp_path, f"checkpoint-{step}/weights/model.bin", at=step)
    removed = tidied(tmp_path)[1]
    assert sorted(removed) == ["checkpoint-1", "critic-1.pt", "generator-1.pt"]
    assert not (tmp_path / "outputs" / "checkpoints" / "checkpoint-1").exists()


def test_links_lead_nowhere(tmp_path: Path) -> None:
    outside = made(tmp_path / "outside", "step-1.npz", at=0)
    folder = tmp_path / "outputs" / "checkpoints"
    folder.mkdir(parents=True)
    for step in range(5):
        (folder / f"step-{step}.npz").symlink_to(outside)
        below = made(tmp_path, f"checkpoint-{step}/model.bin", at=step).parent
        (below / "link").symlink_to(outside.parent)
        os.utime(below, (step, step))
    assert len(tidied(tmp_path)[1]) == 3
    assert outside.exists()
    assert len([name for name in left(tmp_path) if name.startswith("step")]) == 5
    (tmp_path / "way").symlink_to(tmp_path / "outside" / "outputs")
    assert tidy(str(tmp_path), "way/checkpoints", None, NOW) == (0, [])
    for path in ("outputs/../outside/outputs/checkpoints", "nothing", "outputs/checkpoints/step-1"):
        assert tidy(str(tmp_path), path, None, NOW) == (0, [])


@given(
    st.dictionaries(
        st.from_regex(r"(step|model|best)[-_]?\d{1,3}(\.npz|\.pt)?", fullmatch=True),
        st.tuples(st.integers(0, 20_000), st.integers(0, 3)),
        max_size=12,
    ),
    st.none() | st.integers(0, 999),
)
def test_whatever_lies_there(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, tuple[int, int]],
    since_step: int | None,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "outputs" / "checkpoints").mkdir(parents=True)
    for name, (at, kib) in files.items():
        made(folder, name, at=at, kib=4 * kib)
    neighbour = folder / "outputs" / "step-1.npz"
    neighbour.write_bytes(b"not in the folder")
    os.utime(neighbour, (0, 0))
    freed, removed = tidied(folder, since_step)
    assert set(left(folder)) == set(files) - set(removed)
    assert freed == sum(files[name][1] for name in removed) << 12
    assert neighbour.exists()
    for name in removed:
        assert "best" not in name
        assert files[name][0] < NOW - 5
    # It tidies up once: what stays would stay again.
    assert len(tidied(folder, since_step)[1]) <= len(removed)


def test_as_a_program(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        made(tmp_path, f"step-{step}.npz", at=step)
    source = Path(checkpoint_tidying.__file__).read_text()
    command = [sys.executable, "-I", "-c", source, str(tmp_path), "outputs/checkpoints", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == '{"freed_bytes": 0, "removed": []}\n'
    done = subprocess.run([*command[:-1], ""], capture_output=True, text=True, check=True)
    assert done.stdout == '{"freed_bytes": 8192, "removed": ["step-1.npz"]}\n'


@pytest.mark.parametrize(
    "name",
    [
        "step-200-rank-{}.pt",
        "model-0000{}-of-00005.safetensors",
        "rank{}.pt",
        "fold-{}.pkl",
        "run7-{}.pt",
    ],
)
def test_pieces_of_one_checkpoint_are_no_series(tmp_path: Path, name: str) -> None:
    for piece in range(1, 6):
        made(tmp_path, name.format(piece), at=piece)
    assert tidied(tmp_path) == (0, [])


def test_two_numbers_that_count_are_a_series(tmp_path: Path) -> None:
    for epoch in range(5):
        made(tmp_path, f"epoch={epoch}-step={epoch * 100}.ckpt", at=epoch)
    assert [name[:7] for name in tidied(tmp_path)[1]] == ["epoch=0", "epoch=1", "epoch=2"]
