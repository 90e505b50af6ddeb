"""Evaluators that a draft proposes, run as they would be; and what is kept for the end."""

import csv
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.drafting import judge
from agents.drafting.choosing import by_score
from agents.drafting.evaluators import JUDGE, evaluator_options, holdout
from labcrew.domain.draft import Candidate, FirstRun, Noise, Series
from labcrew.domain.measuring import Evaluator
from labcrew.domain.running import Run, Settings
from labcrew.domain.sandbox import OutputFile
from labcrew.domain.survey import DataFile, EntryPoint, Place, Setting, Survey

CANDIDATE = Candidate(
    entry="train.py",
    run=Run(command="python train.py {settings}"),
    settings=Settings(),
    because="it is there",
)
ENTRY = EntryPoint(path="train.py", kind="script", command="python train.py")
TRUTH = [0, 1, 1, 0, 2, 2, 1, 0, 2, 1]
FOUND = [0, 1, 0, 0, 2, 1, 1, 0, 2, 2]


def run_that_left(*paths: str) -> FirstRun:
    files = tuple(OutputFile(path=p, size_bytes=9, sha256="0" * 64) for p in paths)
    return FirstRun(id="r", command="python train.py", image="i", exit_code=0, files=files)


def metric(name: str, split: str = "validation") -> dict[str, object]:
    return {"name": name, "split": split, "file": None, "pattern": name + r" ([\d.]+)"}


def judged(folder: Path, value: dict[str, Any], split: str = "validation") -> Any:
    """The answer of a proposed evaluator on the outputs in `folder`/outputs."""
    for path, text in Evaluator.model_validate(value).files.items():
        (folder / path).write_text(text)
    outputs = str(folder / "outputs")
    command = value["command"].replace("{outputs}", outputs).replace("{split}", split)
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def proposed(name: str, path: str, columns: tuple[str, ...], survey: Survey) -> dict[str, Any]:
    options = evaluator_options(
        survey, CANDIDATE, [run_that_left(path)], metric(name), {path: columns}
    )
    made = [o.value for o in options.options if o.value is not None]
    assert isinstance(made[0], dict)
    return made[0]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("val_accuracy", 0.7),
        ("error_rate", 0.3),
        ("macro_f1", (6 / 7 + 4 / 7 + 2 / 3) / 3),
        ("recall", (1 + 1 / 2 + 2 / 3) / 3),
        ("precision", (3 / 4 + 2 / 3 + 2 / 3) / 3),
        ("balanced_accuracy", (1 + 1 / 2 + 2 / 3) / 3),
        ("rmse", 0.3**0.5),
        ("MSE", 0.3),
        ("mae", 0.3),
        ("R2", 1 - 3 / 6),
    ],
)
def test_a_proposed_evaluator_computes_the_metric(tmp_path: Path, name: str, wanted: float) -> None:
    rows = [{"y_true": a, "y_pred": b} for a, b in zip(TRUTH, FOUND, strict=True)]
    write_table(tmp_path / "outputs/predictions.csv", rows)
    value = proposed(name, "outputs/predictions.csv", ("y_true", "y_pred"), Survey(files=1))
    assert judged(tmp_path, value) == {name: pytest.approx(wanted)}
    assert "validation alone" in judged(tmp_path, value, "holdout")


def test_every_kind_of_file_is_read(tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    rows = [{"y_true": a, "y_pred": b} for a, b in zip(TRUTH, FOUND, strict=True)]
    (outputs / "pred.json").write_text(json.dumps({"y_true": TRUTH, "y_pred": FOUND}))
    (outputs / "preds.jsonl").write_text("\n".join(map(json.dumps, rows)))
    np.savez(outputs / "preds.npz", y_true=TRUTH, y_pred=FOUND)
    for file in ("pred.json", "preds.jsonl", "preds.npz"):
        value = proposed("acc", f"outputs/{file}", ("y_true", "y_pred"), Survey(files=1))
        assert judged(tmp_path, value) == {"acc": pytest.approx(0.7)}


def test_the_area_under_the_curve_with_ties(tmp_path: Path) -> None:
    truth, scores = [0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.4, 0.8, 0.4, 0.4]
    rows = [{"label": a, "score": b} for a, b in zip(truth, scores, strict=True)]
    write_table(tmp_path / "outputs/predictions.csv", rows)
    value = proposed("auc", "outputs/predictions.csv", ("label", "score"), Survey(files=1))
    assert judged(tmp_path, value) == {"auc": pytest.approx(7 / 9)}


def test_answers_of_the_repository_come_first_and_no_row_may_be_left_out(tmp_path: Path) -> None:
    survey = Survey(
        files=2, data=(DataFile(path="answers.csv", size_bytes=9, columns=("id", "label")),)
    )
    write_table(tmp_path / "answers.csv", [{"id": i, "label": i % 2} for i in range(6)])
    made = [{"id": i, "prediction": 1} for i in (5, 4, 3, 2, 1, 0)]
    write_table(tmp_path / "outputs/predictions.csv", made)
    value = proposed("accuracy", "outputs/predictions.csv", ("id", "prediction"), survey)
    assert "answers.csv" in value["command"]
    assert judged(tmp_path, value) == {"accuracy": 0.5}
    write_table(tmp_path / "outputs/predictions.csv", [r for r in made if int(r["id"]) % 2])
    assert "ids are not the labels'" in judged(tmp_path, value)
    write_table(tmp_path / "outputs/predictions.csv", [made[0]] * 6)
    assert "ids are not the labels'" in judged(tmp_path, value)


def test_a_pickle_in_disguise_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    np.savez(tmp_path / "outputs/preds.npz", y_true=np.array([{}], dtype=object), y_pred=[1])
    value = proposed("acc", "outputs/preds.npz", ("y_true", "y_pred"), Survey(files=1))
    assert "allow_pickle=False" in judged(tmp_path, value)


def test_the_run_s_own_report_stays_until_a_person_says(tmp_path: Path) -> None:
    options = evaluator_options(
        Survey(files=1),
        CANDIDATE,
        [run_that_left("outputs/predictions.csv", "results/predictions.csv")],
        metric("accuracy"),
        {"outputs/predictions.csv": ("y_true", "y_pred")},
    )
    assert options.options[by_score(options).index].value is None
    assert len(options.options) == 2
    value = options.options[1].value
    assert isinstance(value, dict)
    assert "without" not in Evaluator.model_validate(value).command
    assert f"python3 {JUDGE} {{outputs}} {{split}}" in str(value["command"])


def test_nothing_is_proposed_for_a_metric_that_predictions_do_not_give() -> None:
    runs = [run_that_left("outputs/predictions.csv")]
    options = evaluator_options(Survey(files=1), CANDIDATE, runs, metric("inertia"))
    assert [option.value for option in options.options] == [None]


def test_the_repository_s_own_script_is_offered() -> None:
    setting = Setting(
        name="predictions",
        mechanism="argparse",
        type="text",
        required=True,
        spelling="--predictions",
        place=Place(path="evaluate.py", line=4),
    )
    script = EntryPoint(
        path="evaluate.py", kind="script", command="python evaluate.py", settings=(setting,)
    )
    options = evaluator_options(
        Survey(files=2, entries=(script,)),
        CANDIDATE,
        [run_that_left("outputs/pred.bin.csv", "outputs/preds.csv")],
        metric("q"),
    )
    value = options.options[1].value
    assert isinstance(value, dict)
    assert str(value["command"]).endswith("evaluate.py --predictions {outputs}/pred.bin.csv")
    Evaluator.model_validate(value)


def _noise(matter: bool) -> Noise:
    return Noise(
        metric="acc",
        same_seed=(0.9, 0.9),
        other_seeds=(0.91, 0.89),
        deterministic=True,
        seeds_matter=matter,
        std=0.01,
        run_s=1,
    )


def test_what_is_kept_for_the_end() -> None:
    test = Series(name="test_acc", values=(0.8,), count=1, pattern=r"test_acc ([\d.]+)")
    valid = Series(name="val_acc", values=(0.8,), count=1, pattern=r"val_acc ([\d.]+)")
    run = FirstRun(id="r", command="c", image="i", exit_code=0, series=(test, valid))
    survey = Survey(files=1)
    both = holdout(survey, ENTRY, [run], metric("val_acc"), _noise(True), (0, 1))
    assert both.reported is not None
    assert (both.reported.name, both.seeds) == ("test_acc", ())
    alone = holdout(survey, ENTRY, [], metric("test_acc", "test"), _noise(True), (0, 4))
    assert (alone.reported, alone.seeds) == (None, (5, 6))
    still = holdout(survey, ENTRY, [], metric("test_acc", "test"), _noise(False), (0,))
    assert (still.reported, still.seeds) == (None, ())
    assert "no holdout can be made" in still.because


def test_the_judge_is_plain_python() -> None:
    text = Path(judge.__file__).read_text()
    assert "pickle.load" not in text
    assert not {"labcrew", "agents"} & set(text.split())
