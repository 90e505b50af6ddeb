"""What is read of whole runs: real outputs, files, step times, troubles and noise."""

from pathlib import Path

import pytest

from agents.drafting.observing import noise, observe, trend
from labcrew.domain.draft import FirstRun, SeenLine, Series
from labcrew.domain.measuring import Metric
from labcrew.domain.sandbox import OutputFile
from labcrew.domain.survey import Place, Trait
from tools.reported import from_output

OUTPUTS = Path(__file__).parent / "outputs"


def run(text: str, exit_code: int = 0, **fields: object) -> FirstRun:
    """A run that printed a text, a tenth of a second a line, as it is observed."""
    pieces = text.replace("\r", "\n").split("\n")
    lines = [SeenLine(at_s=i / 10, text=line) for i, line in enumerate(pieces) if line.strip()]
    raw = {"id": "r", "command": "c", "image": "i", "exit_code": exit_code, "tail": lines[-200:]}
    return observe(FirstRun.model_validate(raw | fields), lines, {})


@pytest.mark.parametrize(
    ("file", "name", "last", "count", "split"),
    [
        ("mlp.txt", "loss", 0.28746245, 4, "unknown"),
        ("mlp.txt", "Validation score", 0.888889, 4, "validation"),
        ("mlp.txt", "Training set score", 0.904232, 1, "train"),
        ("mlp.txt", "Test set score", 0.911111, 1, "test"),
        ("mlp.txt", "accuracy", 0.91, 1, "unknown"),
        ("mlp.txt", "macro avg f1-score", 0.91, 1, "unknown"),
        ("boosting.txt", "Train Loss", 3493.6727, 6, "train"),
        ("boosting.txt", "The mean squared error (MSE) on test set", 3826.571, 1, "test"),
        ("boosting.txt", "Avg. loss", 3002.364019, 3, "unknown"),
        ("boosting.txt", "Mean squared error", 3327.89, 1, "unknown"),
        ("boosting.txt", "Coefficient of determination", 0.41, 1, "unknown"),
        ("search.txt", "score", 0.933, 4, "validation"),
        ("search.txt", "Accuracy", 0.97, 1, "unknown"),
        ("search.txt", "output", 0.94, 1, "unknown"),
        ("lightgbm_tqdm.txt", "valid's l2", 3847.68, 4, "validation"),
        ("lightgbm_tqdm.txt", "val_loss", 0.5, 9, "validation"),
        ("lightgbm_tqdm.txt", "loss", 0.25, 9, "train"),
    ],
)
def test_real_outputs(file: str, name: str, last: float, count: int, split: str) -> None:
    text = (OUTPUTS / file).read_text()
    [series] = [one for one in run(text).series if one.name == name]
    assert (series.values[-1], series.count, series.split) == (last, count, split)
    metric = Metric(name=name, direction="minimize", pattern=series.pattern)
    assert from_output(metric, text.splitlines(keepends=True)) == last


def test_a_list_has_no_one_number() -> None:
    names = {series.name for series in run((OUTPUTS / "search.txt").read_text()).series}
    assert "scores" not in names


def test_tracebacks_and_warnings_show_no_numbers() -> None:
    text = ERROR + "ValueError: found 3 of 4\n/lib/x.py:12: UserWarning: only 3 left\n"
    assert run(text, 1).series == ()


def test_a_number_alone_is_named_by_what_is_printed() -> None:
    place = Place(path="train.py", line=3)
    lines = [SeenLine(at_s=0, text="0.9666")]
    traits = [Trait(kind="prints", what="accuracy_score", place=place)]
    seen = observe(run("0.9666"), lines, {}, traits=traits)
    assert [(one.name, one.values) for one in seen.series] == [("accuracy_score", (0.9666,))]
    assert seen.trouble is None


def test_files_of_metrics_are_series_where_the_ticket_can_read_them() -> None:
    files = {
        "outputs/metrics.jsonl": '{"epoch": 1, "val_loss": 0.5}\n{"epoch": 2, "val_loss": 0.4}\n',
        "runs/history.csv": "epoch,acc\n1,0.5\n2,0.6\n",
        "outputs/result.json": '{\n  "test": {"f1": 0.7}\n}\n',
        "outputs/odd.json": "[1, 2",
    }
    seen = observe(run("done"), [], files)
    by_name = {(one.file, one.name): one.values for one in seen.series}
    assert by_name["metrics.jsonl", "val_loss"] == (0.5, 0.4)
    assert by_name["../runs/history.csv", "acc"] == (0.5, 0.6)
    assert by_name["result.json", "test.f1"] == (0.7,)
    assert seen.trouble is None


def test_steps_and_trends() -> None:
    seen = run("".join(f"step {i}: loss {1 / (i + 1)}\n" for i in range(300)))
    [loss] = [one for one in seen.series if one.name == "loss"]
    assert (loss.count, len(loss.values), loss.values[-1]) == (300, 150, 1 / 300)
    assert seen.step_s == pytest.approx(0.1)
    assert trend(loss) < -0.5
    assert trend(loss.model_copy(update={"values": loss.values[::-1]})) > 0.5
    assert trend(Series(name="x", values=(1.0, 1.0, 1.0), count=3)) == 0


ERROR = 'Traceback (most recent call last):\n  File "/workspace/train.py", line 3, in <module>\n'


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        (ERROR + "ModuleNotFoundError: No module named 'torchvision'", "missing_module",
         "torchvision"),
        (ERROR + "ImportError: libGL.so.1: cannot open shared object file: No such file or"
         " directory", "missing_library", "libGL.so.1"),
        ("sh: 1: ffmpeg: not found", "missing_program", "ffmpeg"),
        (ERROR + "FileNotFoundError: [Errno 2] No such file or directory: 'data/x.csv'",
         "missing_file", "data/x.csv"),
        ("python: can't open file '/workspace/gone.py': [Errno 2] No such file or directory",
         "missing_file", "/workspace/gone.py"),
        (ERROR + "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name"
         " resolution>", "download", "URLError"),
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='data.example.org',"
         " port=443): Max retries exceeded", "download", "data.example.org"),
        (ERROR + "RuntimeError: No CUDA GPUs are available", "accelerator",
         "No CUDA GPUs are available"),
        (ERROR + "KeyError: 'SERVICE_API_KEY'", "secret", "SERVICE_API_KEY"),
        ("usage: train.py [-h] data\ntrain.py: error: the following arguments are required: data",
         "arguments", "data"),
        ("Usage: train.py\nError: Missing option '--lr'.", "arguments", "--lr"),
        ("omegaconf.errors.MissingMandatoryValue: Missing mandatory value: data.path",
         "arguments", "data.path"),
        (ERROR + "EOFError: EOF when reading a line", "asks", ""),
        (ERROR + "MemoryError", "memory", "MemoryError"),
        (ERROR + "OSError: [Errno 28] No space left on device", "storage",
         "No space left on device"),
        (ERROR + "AttributeError: module 'numpy' has no attribute 'bool'.", "version", "numpy"),
        (ERROR + "ImportError: cannot import name 'jaccard' from 'sklearn.metrics' (x.py)",
         "version", "sklearn.metrics"),
        (ERROR + "_tkinter.TclError: no display name and no $DISPLAY environment variable", "crash",
         "display"),
        (ERROR + "ValueError: the shapes don't fit", "crash", "ValueError: the shapes don't fit"),
        ("", "crash", "nothing"),
    ],
)  # fmt: skip
def test_troubles_of_runs_that_fail(text: str, kind: str, what: str) -> None:
    trouble = run(text, 1).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.what.strip()) == (kind, what or trouble.what.strip())
    assert trouble.message
    if text:
        assert trouble.evidence


def test_the_last_error_counts_and_not_a_warning_before() -> None:
    text = "Could not load library libcudart.so.11\n" + ERROR + "KeyError: 'target'\n"
    trouble = run(text, 1).trouble
    assert trouble is not None
    assert (trouble.kind, trouble.what) == ("crash", "KeyError: 'target'")


def test_a_run_without_a_number_one_that_never_ends_and_one_that_is_killed() -> None:
    silent = run("all done\nepoch 3\n").trouble
    assert silent is not None
    assert silent.kind == "no_number"
    late = run("loss 0.5\n", 143, timed_out=True, duration_s=60)
    assert late.trouble is not None
    assert (late.trouble.kind, late.series[0].values) == ("time", (0.5,))
    assert "showed numbers" in late.trouble.message
    killed = run("loss 0.5\n", 137, out_of_memory=True, memory_mb=900).trouble
    assert killed is not None
    assert (killed.kind, "900" in killed.message) == ("memory", True)


def values(*numbers: float) -> list[FirstRun]:
    return [run(f"loss: {number}", duration_s=index + 1) for index, number in enumerate(numbers)]


def test_noise() -> None:
    quiet = noise("loss", values(0.5, 0.5), values(0.5, 0.5))
    assert quiet is not None
    assert (quiet.deterministic, quiet.seeds_matter, quiet.std) == (True, False, 0)
    seeded = noise("loss", values(0.5, 0.5), values(0.6, 0.4))
    assert seeded is not None
    assert (seeded.deterministic, seeded.seeds_matter) == (True, True)
    assert seeded.std == pytest.approx(0.1)
    assert (seeded.run_s, seeded.longest_s, seeded.whole) == (1.5, 2, True)
    shaky = noise("loss", values(0.5, 0.6), values(0.55, 0.56))
    assert shaky is not None
    assert (shaky.deterministic, shaky.seeds_matter) == (False, False)
    assert shaky.std > 0.04
    assert noise("other", values(0.5, 0.5), values()) is None


def test_the_seconds_of_a_run_are_those_of_a_whole_one_where_the_repeats_were_shortened() -> None:
    whole = run("loss: 0.1", duration_s=400)
    shortened = noise("loss", values(0.5, 0.5), values(0.6, 0.4), whole=whole)
    assert shortened is not None
    assert (shortened.run_s, shortened.longest_s, shortened.whole) == (400, 400, False)


def test_files_are_told_with_their_sizes() -> None:
    kept = OutputFile(path="model.bin", size_bytes=3, sha256="a" * 64)
    assert run("loss 1", files=(kept,)).files == (kept,)
