"""What real libraries printed, as evals/log_fixtures/record.py recorded it, is read as meant."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from labcrew.domain.monitoring import Observation
from tools.logs.reader import BACKLOG, LogReader, is_telling

FOLDER = Path(__file__).parents[3] / "evals" / "log_fixtures"


@dataclass
class Expected:
    """`series`: name → (how many values, the last one)."""

    series: dict[str, tuple[int, float]]
    steps: int = 0
    epoch: float | None = None
    done: tuple[int, int] | None = None
    rates: bool = False
    saved: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    unread: int = 0


EXPECTED = {
    "transformers": Expected(
        {"loss": (8, 0.5742), "grad_norm": (8, 0.4304), "learning_rate": (8, 0.00025),
         "eval_loss": (2, 0.5696), "eval_accuracy": (2, 0.7), "train_loss": (1, 0.5855)},
        epoch=2, done=(40, 40), rates=True, unread=2,
        saved=("out/checkpoint-20", "out/checkpoint-40"),
    ),
    "lightning": Expected(
        {"train_loss": (34, 0.000129), "val_loss": (27, 6.63e-05)},
        steps=3, epoch=2, done=(20, 20), rates=True, unread=15,
        saved=tuple(f"/workspace/out/epoch={n}-step={20 * n + 20}.ckpt" for n in range(3)),
    ),
    "lightning_rich": Expected(
        {"train_loss": (1, 0.004)}, epoch=1, done=(20, 20), rates=True, unread=7
    ),
    "keras": Expected(
        {"loss": (35, 0.6976), "accuracy": (35, 0.5375), "val_loss": (5, 0.7163),
         "val_accuracy": (5, 0.5125), "learning_rate": (3, 1e-4)},
        epoch=3, done=(10, 10), rates=True, saved=("out.keras",) * 6,
    ),
    "xgboost": Expected(
        {"train-logloss": (12, 0.05106), "train-auc": (12, 1.0), "eval-logloss": (12, 0.19241),
         "eval-auc": (12, 0.97739), "validation_0-rmse": (5, 0.26908)},
        steps=17,
    ),
    "lightgbm": Expected(
        {"training's_binary_logloss": (13, 0.246926), "training's_auc": (13, 0.997422),
         "valid_1's_binary_logloss": (13, 0.305404), "valid_1's_auc": (13, 0.971589)},
        steps=13, unread=1,
    ),
    "catboost": Expected(
        {"learn": (12, 0.3196437), "test": (12, 0.3799396), "best": (12, 0.3799396)}, steps=12
    ),
    "sklearn": Expected(
        {"loss": (8, 0.7915151), "Validation_score": (8, 0.55), "Train_Loss": (17, 0.1117),
         "OOB_Improve": (12, 0.015), "Avg._loss": (4, 0.997767), "Objective": (4, 1.353015),
         "inertia": (23, 2876.88232421875), "lower_bound": (1, -11.25568),
         "Change": (1, 0.002444125711917877), "obj": (1, -98.931785)},
        steps=59, epoch=4, done=(1, 3), unread=1,
    ),
    "tqdm": Expected(
        {"loss": (109, math.nan), "acc": (102, 97.5), "lr": (102, 0.001)},
        epoch=1, done=(3, 3), rates=True,
    ),
    "plain": Expected(
        {"train_loss": (18, 0.82971), "grad_norm": (15, 1.761), "val_loss": (3, 0.8297),
         "val_acc": (3, 93.5), "loss": (3, 0.8297), "lr": (3, 0.1), "grad": (3, math.nan),
         "train/loss": (3, 0.8297092914581299)},
        steps=15, epoch=3, done=(5, 5), troubles=("traceback", "error"),
        saved=("out/net-1.pt", "out/net-2.pt", "out/net-3.pt"),
    ),
}  # fmt: skip


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_bytes().decode()


def read(text: str) -> tuple[LogReader, list[Observation]]:
    reader = LogReader()
    return reader, [*reader.feed(text, 0.0), *reader.end(0.0)]


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded(name: str) -> None:
    expected = EXPECTED[name]
    reader, found = read(text_of(name))
    for metric, (count, last) in expected.series.items():
        values = [f.numbers[metric] for f in found if metric in f.numbers]
        assert len(values) == count, metric
        assert values[-1] == pytest.approx(last, nan_ok=True), metric
    assert sum(f.step is not None for f in found) == expected.steps
    assert max((f.epoch for f in found if f.epoch is not None), default=None) == expected.epoch
    assert next((f.done for f in reversed(found) if f.done), None) == expected.done
    assert any(f.rate for f in found) == expected.rates
    assert tuple(f.saved for f in found if f.saved) == expected.saved
    assert tuple(f.trouble for f in found if f.trouble) == expected.troubles
    assert reader.unread == expected.unread


def test_every_recording_is_read_and_small_and_has_its_version() -> None:
    recorded = {file.stem for file in FOLDER.glob("*.txt")}
    assert recorded == EXPECTED.keys()
    versions = json.loads((FOLDER / "versions.json").read_text())
    assert recorded | {file.stem for file in FOLDER.glob("*.tfevents")} == versions.keys()
    for file in (*FOLDER.glob("*.txt"), *FOLDER.glob("*.tfevents")):
        assert file.stat().st_size < 20_000


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_cut_anywhere_it_reads_the_same(name: str, size: int) -> None:
    data = text_of(name).encode()
    reader = LogReader()
    found = [f for n in range(0, len(data), size) for f in reader.feed(data[n : n + size], 0.0)]
    assert repr([*found, *reader.end(0.0)]) == repr(read(text_of(name))[1])


@pytest.mark.parametrize("name", EXPECTED)
def test_as_a_backlog_it_reads_the_same(name: str) -> None:
    text = text_of(name) + "\n"
    whole = text * (2 * BACKLOG // len(text) + 1)
    slowly = LogReader()
    each = [f for n in range(0, len(whole), 9999) for f in slowly.feed(whole[n : n + 9999], 0.0)]
    quickly, few = read(whole)
    assert quickly.lines == slowly.lines
    telling = [repr(f) for f in each if is_telling(f)]
    assert [repr(f) for f in few if is_telling(f)] == telling
