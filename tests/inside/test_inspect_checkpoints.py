"""Checkpoints of real libraries, whole and damaged; and files that nobody should have sent."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.domain.monitoring import Checkpoint
from sandboxes.image.inside.checkpoint.steps import step_of_name
from tools.stored_outputs import checkpoint_hash

SCRIPT = Path("sandboxes/image/inside/inspect_checkpoints.py")
REAL = Path(__file__).parent / "checkpoints"
FINITE: dict[str, tuple[str, bool | None, int | None]] = {
    "good.safetensors": ("safetensors", True, 40),
    "inf.safetensors": ("safetensors", False, None),
    "keras.keras": ("keras", None, None),
    "keras.weights.h5": ("hdf5", None, None),
    "lightgbm.txt": ("lightgbm", True, 2),
    "sklearn-2.pkl": ("pickle", True, 2),
    "sklearn-4.pkl": ("pickle", True, 2),
    "sklearn-5.pkl": ("pickle", True, 2),
    "sklearn-nan.joblib": ("pickle", False, 16),
    "sklearn-zlib.joblib": ("pickle", True, 15),
    "sklearn.joblib": ("pickle", True, 15),
    "torch-good.pt": ("torch", True, 120),
    "torch-half-step=7.ckpt": ("torch", True, 7),
    "torch-nan.pth": ("torch", False, None),
    "xgboost-text.json": ("json", True, 3),
    "xgboost.ubj": ("xgboost", True, 3),
}


def looked_at(root: Path, folder: str = "checkpoints") -> dict[str, Checkpoint]:
    from sandboxes.image.inside.checkpoint.inspection import main

    said = io.StringIO()
    before, sys.stdout = sys.stdout, said
    try:
        assert main([str(root), folder]) == 0
    finally:
        sys.stdout = before
    found = [Checkpoint.model_validate(one) for one in json.loads(said.getvalue())["checkpoints"]]
    for one in found:
        assert one.sha256 == checkpoint_hash(root, one.path)
    return {one.path.removeprefix(f"{folder}/"): one for one in found}


def kept(root: Path, name: str, content: bytes) -> Path:
    path = root / "checkpoints" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_checkpoints_of_real_libraries() -> None:
    found = looked_at(REAL.parent)
    assert {n: (c.kind, c.finite, c.step) for n, c in found.items()} == FINITE
    assert all(one.loads and not one.trouble for one in found.values())
    assert {path.name for path in REAL.iterdir()} == set(FINITE)


@pytest.mark.parametrize("name", sorted(FINITE))
@given(data=st.data())
@settings(max_examples=12)
def test_a_checkpoint_that_is_cut_short_does_not_load(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = (REAL / name).read_bytes()
    first, end = 0, len(content)
    if name == "lightgbm.txt":  # known by its first line; what follows its closing section may go
        first, end = 14, content.find(b"end of parameters")
    cut = data.draw(st.integers(first, end - 1))
    root = tmp_path_factory.mktemp("cut")
    kept(root, name, content[:cut])
    [one] = looked_at(root).values()
    assert not one.loads, one
    assert one.trouble
    assert one.finite is not True


@pytest.mark.parametrize("name", [n for n in sorted(FINITE) if n.endswith((".pt", ".ckpt"))])
@given(at=st.integers(300, 1500), bit=st.integers(0, 7))
@settings(max_examples=20)
def test_no_damage_makes_it_fall_over(
    name: str, at: int, bit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray((REAL / name).read_bytes())
    content[at] ^= 1 << bit
    root = tmp_path_factory.mktemp("damaged")
    kept(root, name, bytes(content))
    assert len(looked_at(root)) == 1


@given(st.binary(max_size=300), st.sampled_from(["a.npz", "a.npy", "a.pt", "a.pkl", "a.joblib",
       "a.safetensors", "a.h5", "a.keras", "a.json", "a.ubj", "a.txt", "a.onnx", "a"]))  # fmt: skip
def test_any_bytes_are_told_of(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    kept(root, name, content)
    [one] = looked_at(root).values()
    assert one.path == f"checkpoints/{name}"
    assert bool(one.trouble) != one.loads


HEADS = {"a.pkl": b"\x80\x04", "a.npy": b"\x93NUMPY\x01\x00", "a.ubj": b"{", "a.json": b"["}


@given(st.sampled_from(sorted(HEADS)), st.binary(max_size=100))
def test_nearly_right_bytes_are_told_of(
    tmp_path_factory: pytest.TempPathFactory, name: str, rest: bytes
) -> None:
    root = tmp_path_factory.mktemp("near")
    kept(root, name, HEADS[name] + rest)
    assert len(looked_at(root)) == 1


ARRAYS = st.sampled_from(["f2", "f4", "f8", ">f4"])


@given(ARRAYS, st.integers(1, 50), st.sampled_from([None, "nan", "inf", "-inf"]), st.booleans())
def test_one_number_that_is_none_is_found(
    tmp_path_factory: pytest.TempPathFactory, dtype: str, size: int, bad: str | None, packed: bool
) -> None:
    array = np.ones((size, 3), dtype)
    if bad is not None:
        array[size // 2, 1] = float(bad)
    root = tmp_path_factory.mktemp("arrays")
    save: Any = np.savez_compressed if packed else np.savez
    made = io.BytesIO()
    save(made, w=array, step=12, best=np.inf)
    kept(root, "a.npz", made.getvalue())
    kept(root, "b-step-9.npy", made.getvalue()).unlink()
    np.save(root / "checkpoints" / "b-step-9.npy", array)
    kept(root, "c.pkl", pickle.dumps({"w": array, "iteration": 4}))
    found = looked_at(root)
    healthy = bad in (None, "-inf")
    assert [(n, one.finite, one.step) for n, one in found.items()] == [
        ("a.npz", healthy, 12),
        ("b-step-9.npy", healthy, 9),
        # An object may well hold infinities, and be healthy.
        ("c.pkl", bad != "nan", 4),
    ]


def test_plain_numbers(tmp_path: Path) -> None:
    kept(tmp_path, "a.json", json.dumps({"step": 4, "best": float("inf"), "w": [0.5]}).encode())
    kept(tmp_path, "b.json", b'{"w": [0.5, NaN]}')
    kept(tmp_path, "c.json", b'{"w": NaN}')
    kept(tmp_path, "d.pkl", pickle.dumps({"w": [1.0, float("nan")], "step": 3}))
    kept(tmp_path, "e.pkl", pickle.dumps({"w": float("nan")}))
    found = looked_at(tmp_path)
    assert [one.finite for one in found.values()] == [True, False, False, False, False]
    assert found["a.json"].step == 4


def test_nothing_in_a_pickle_is_called(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path}/called",)

    kept(tmp_path, "a.pkl", pickle.dumps({"model": Hostile(), "step": 1}))
    assert looked_at(tmp_path)["a.pkl"].step == 1
    assert not (tmp_path / "called").exists()


def test_what_is_a_checkpoint(tmp_path: Path) -> None:
    good = (REAL / "good.safetensors").read_bytes()
    kept(tmp_path, "partial.npz", b"half")
    kept(tmp_path, "step-3.npz.tmp", b"half")
    kept(tmp_path, ".hidden.npz", b"")
    kept(tmp_path, "metrics.csv", b"a,b")
    kept(tmp_path, "step-3.safetensors", good)
    kept(tmp_path, "step-3.json", b'{"loss": 1.0}')
    kept(tmp_path, "checkpoint-500/model.safetensors", good)
    kept(tmp_path, "checkpoint-500/trainer_state.json", b'{"global_step": 500}')
    kept(tmp_path, "checkpoint-500/logs/empty.txt", b"")
    kept(
        tmp_path,
        "version_0/checkpoints/epoch=3-step=120.ckpt",
        (REAL / "torch-nan.pth").read_bytes(),
    )
    found = looked_at(tmp_path)
    assert {name: (one.kind, one.step, one.loads, one.finite) for name, one in found.items()} == {
        "checkpoint-500": ("folder", 500, True, True),
        "step-3.safetensors": ("safetensors", 40, True, True),
        "version_0/checkpoints/epoch=3-step=120.ckpt": ("torch", 120, True, False),
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    from sandboxes.image.inside.checkpoint.finding import find

    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "a.pt").symlink_to(REAL / "torch-good.pt")
    (folder / "step-1").symlink_to(REAL)
    assert find(folder, strict=False) == []


def test_a_folder_must_have_all_its_files(tmp_path: Path) -> None:
    good = (REAL / "good.safetensors").read_bytes()
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    kept(tmp_path, "checkpoint-5/model.safetensors.index.json", json.dumps(index).encode())
    kept(tmp_path, "checkpoint-5/model-1.safetensors", good)
    assert looked_at(tmp_path)["checkpoint-5"].trouble == "model-2.safetensors is missing"
    kept(tmp_path, "checkpoint-5/model-2.safetensors", good)
    assert looked_at(tmp_path)["checkpoint-5"].loads
    kept(tmp_path, "checkpoint-5/optimizer.pt", (REAL / "torch-good.pt").read_bytes()[:900])
    one = looked_at(tmp_path)["checkpoint-5"]
    assert not one.loads
    assert one.trouble.startswith("optimizer.pt: ")


def test_a_file_of_an_unknown_format_is_held_against_its_siblings(tmp_path: Path) -> None:
    for number, size in enumerate((1000, 1010, 990, 200)):
        kept(tmp_path, f"ckpt-{number}.weights", b"w" * size)
    found = looked_at(tmp_path)
    assert [one.loads for one in found.values()] == [True, True, True, False]
    assert [one.step for one in found.values()] == [0, 1, 2, 3]
    assert {one.finite for one in found.values()} == {None}


def test_a_program_without_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    shutil.copy(REAL / "torch-good.pt", tmp_path / "run" / "model.pt")
    (tmp_path / "metrics.json").write_text("{}")
    found = looked_at(tmp_path)
    assert list(found) == ["run/model.pt"]
    assert looked_at(tmp_path / "run" / "nothing") == {}


def test_the_script_as_a_sandbox_runs_it(tmp_path: Path) -> None:
    kept(tmp_path, "a.npy", b"no array")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, "checkpoints"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    [one] = json.loads(done.stdout)["checkpoints"]
    assert (one["path"], one["loads"]) == ("checkpoints/a.npy", False)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("ckpt-0012", 12), ("step_500", 500), ("checkpoint-500", 500), ("step-00012.npz", 12),
        ("epoch=3-step=120.ckpt", 120), ("epoch-3.pt", None), ("model.pt", None), ("500.pt", 500),
        ("model_0500.pth", 500), ("iter_7.pt", 7), ("net-1-2.pt", None), ("v1.2.pt", None),
        ("epoch_3_model_7.pt", None), ("best.ckpt", None), ("global_step900", 900),
        ("footstep5x.pt", 5), ("step-1-step-2.pt", 2),
    ],
)  # fmt: skip
def test_steps_of_names(name: str, step: int | None) -> None:
    assert step_of_name(name) == step
