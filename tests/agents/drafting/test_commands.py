"""Commands: which is meant, how it is spelt, where the seed and the outputs go, what mends it."""

import shlex
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.drafting.command_lines import stated_values
from agents.drafting.commands import candidates, mended, resuming, run_line
from labcrew.domain.draft import Candidate, FirstRun, SeenLine, Trouble
from labcrew.domain.running import Run
from labcrew.domain.sandbox import OutputFile
from labcrew.domain.survey import EntryPoint, Place, Setting, Stated, Survey
from tests.inside.surveyed import entry, survey_of

ARGPARSE = """\
\"\"\"Train a small network.\"\"\"
import argparse
def main():
    p = argparse.ArgumentParser()
    p.add_argument("--learning-rate", type=float, default=0.1)
    p.add_argument("--batch_size", type=int, default=32)
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--amp", action="store_true")
    p.add_argument("--use-bn", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--output-dir", default="runs/x")
    p.add_argument("--resume")
    p.add_argument("data")
    a = p.parse_args()
    print(f"test loss: {a.learning_rate}")
main()
"""
HYDRA = """\
import hydra
@hydra.main(config_path="conf", config_name="config")
def main(cfg):
    print("acc", cfg.lr)
main()
"""
LITERALS = """\
\"\"\"Digits by a small network.\"\"\"
import matplotlib.pyplot as plt
from sklearn.datasets import make_moons
from sklearn.neural_network import MLPClassifier
X, y = make_moons(n_samples=100, random_state=3)
mlp = MLPClassifier(max_iter=80, alpha=1e-4, random_state=1)
print("Test set score: %f" % mlp.fit(X, y).score(X, y))
plt.show()
"""
SETTINGS_FILE = """\
import yaml
cfg = yaml.safe_load(open("conf/base.yaml"))
print("loss", cfg["lr"])
"""


def found(tmp_path: Path, files: dict[str, str], sentence: str = "lower the test loss") -> tuple[
    Survey, tuple[Candidate, ...]
]:  # fmt: skip
    survey = survey_of(tmp_path, files)
    return survey, candidates(survey, sentence, {})


def test_a_stated_command_keeps_what_it_gives(tmp_path: Path) -> None:
    files = {
        "train.py": ARGPARSE,
        "plot_results.py": "import matplotlib.pyplot as plt\nprint('loss', 1)\nplt.show()\n",
        "tests/test_train.py": "import train\nprint('loss')\n",
        "README.md": "# Lab\n\n```\n$ python train.py --learning-rate 0.5 data/x.csv\n```\n",
        "data/x.csv": "a,b\n1,2\n",
    }
    survey, ranked = found(tmp_path, files)
    best = ranked[0]
    assert best.entry == "train.py"
    assert best.run.command == (
        "python train.py --learning-rate 0.5 data/x.csv --seed {seed} --output-dir {outputs}"
        " {settings}"
    )
    assert "README.md:4" in best.because
    assert best.short == {"epochs": 2}
    assert stated_values("python train.py --learning-rate 0.5 d", entry(survey, "train.py")) == {
        "learning-rate": 0.5
    }
    line, variables, in_file = run_line(
        best, {"learning-rate": 0.01, "amp": True, "use-bn": False}, 7
    )
    assert line == (
        "python train.py --learning-rate 0.5 data/x.csv --seed 7 --output-dir outputs"
        " --learning-rate 0.01 --amp --no-use-bn"
    )
    assert in_file == {}
    assert variables["LABCREW_SEED"] == "7"
    assert resuming(entry(survey, "train.py"))[0].path == "train.py"


def test_an_argument_that_must_be_there_is_guessed_and_said(tmp_path: Path) -> None:
    files = {"train.py": ARGPARSE, "data/train.csv": "a,b\n1,2\n"}
    _, ranked = found(tmp_path, files)
    assert " data/train.csv " in ranked[0].run.command
    assert "guessed: data = data/train.csv" in ranked[0].because
    (tmp_path / "data/train.csv").unlink()
    _, poorer = found(tmp_path, {})
    assert poorer[0].score < ranked[0].score
    assert "it needs data, which nothing says" in poorer[0].because


def test_hydra(tmp_path: Path) -> None:
    files = {"hy.py": HYDRA, "conf/config.yaml": "lr: 0.1\nseed: 0\nmodel:\n  hidden: 3\n"}
    _, ranked = found(tmp_path, files)
    line, _, _ = run_line(ranked[0], {"model.hidden": 8}, 2)
    assert line == "python hy.py seed=2 hydra.run.dir=outputs model.hidden=8"


def test_literals_in_code(tmp_path: Path) -> None:
    _, ranked = found(tmp_path, {"plot_digits.py": LITERALS}, "raise the digits' test score")
    best = ranked[0]
    assert best.run.environment == {"MPLBACKEND": "Agg"}
    assert (best.settings.style, best.settings.file) == ("source", "plot_digits.py")
    # Another seed of made up data is another task.
    assert best.settings.seeds == ("MLPClassifier.random_state",)
    assert best.short == {"MLPClassifier.max_iter": 50}
    line, _, in_file = run_line(best, {"MLPClassifier.alpha": 0.1}, 5)
    assert line == "python plot_digits.py"
    assert in_file == {"MLPClassifier.alpha": 0.1, "MLPClassifier.random_state": 5}


def test_a_settings_file(tmp_path: Path) -> None:
    files = {"fit.py": SETTINGS_FILE, "conf/base.yaml": "lr: 0.1\nseed: 0\nopt: {wd: 0.1}\n"}
    _, ranked = found(tmp_path, files)
    settings = ranked[0].settings
    assert (settings.style, settings.file, settings.seeds) == ("file", "conf/base.yaml", ("seed",))


def test_variables(tmp_path: Path) -> None:
    code = 'import os\nLR = float(os.environ.get("LR", "0.1"))\nprint("rmse", LR)\n'
    _, ranked = found(tmp_path, {"main.py": code})
    line, variables, _ = run_line(ranked[0], {"LR": 0.2}, 0)
    assert (line, variables["LR"]) == ("python main.py", "0.2")


@pytest.mark.parametrize(
    ("sentence", "path"),
    [
        ("lower the loss of second.py", "second.py"),
        ("lower the forest's error", "forest.py"),
        ("raise the accuracy of the network", "network.py"),
    ],
)
def test_the_sentence_says_which(tmp_path: Path, sentence: str, path: str) -> None:
    files = {
        "second.py": "print('loss', 1)\n",
        "forest.py": '"""A random forest for prices."""\nprint("error", 1)\n',
        "network.py": '"""A neural network for prices."""\nprint("error", 1)\n',
    }
    _, ranked = found(tmp_path, files, sentence)
    assert ranked[0].entry == path


def test_a_command_that_runs_in_a_folder(tmp_path: Path) -> None:
    files = {
        "work/train.py": ARGPARSE,
        "work/local.csv": "a,b\n1,2\n",
        "README.md": "# Lab\n\n```\ncd work && python train.py local.csv --output-dir out\n```\n",
    }
    _, ranked = found(tmp_path, files)
    line, _, _ = run_line(ranked[0], {"epochs": 3}, 1)
    assert line == (
        "cd work && python train.py local.csv --output-dir ../outputs --seed 1 --epochs 3"
    )


def test_nothing_that_runs_gives_nothing(tmp_path: Path) -> None:
    assert found(tmp_path, {"README.md": "# Only words\n"})[1] == ()


def failed(text: str, kind: str, what: str, **fields: object) -> FirstRun:
    raw = {
        "id": "r", "command": "c", "image": "i", "exit_code": 1,
        "tail": [SeenLine(at_s=0, text=line) for line in text.splitlines()],
        "trouble": Trouble.model_validate({"kind": kind, "what": what, "message": text}),
    }  # fmt: skip
    return FirstRun.model_validate(raw | fields)


def test_what_mends_a_command(tmp_path: Path) -> None:
    files = {
        "src/lab/__init__.py": "",
        "src/lab/train.py": "from . import model\nprint('loss', 1)\n",
        "src/lab/model.py": "x = 1\n",
        "work/fit.py": "print('loss', open('x.csv').read())\n",
        "work/x.csv": "a,b\n1,2\n",
    }
    survey, ranked = found(tmp_path, files)
    by_entry = {one.entry: one for one in ranked}
    known = by_entry["work/fit.py"]
    fit = known.model_copy(update={"run": Run(command="python work/fit.py")})
    there = mended(fit, failed("No such file", "missing_file", "x.csv"), survey)
    assert there is not None
    assert there.run.command == "cd work && python fit.py"
    shown = failed("done", "no_number", "a number", files=(
        OutputFile(path="out/notes.txt", size_bytes=9, sha256=""),
        OutputFile(path="out/metrics.json", size_bytes=9, sha256=""),
    ))  # fmt: skip
    result = mended(fit, shown, survey)
    assert result is not None
    assert result.run.command == "python work/fit.py && cat out/metrics.json"
    own = mended(fit, failed("No module named 'lab'", "missing_module", "lab"), survey)
    assert own is not None
    assert own.run.environment["PYTHONPATH"] == "/workspace/src"
    assert mended(own, failed("No module named 'lab'", "missing_module", "lab"), survey) != own
    named = mended(fit, failed("sh: 1: python: not found", "missing_program", "python"), survey)
    assert named is not None
    assert named.run.command == "python3 work/fit.py"
    assert mended(fit, failed("x", "crash", "KeyError: 'x'"), survey) is None


def test_relative_imports_run_as_a_module(tmp_path: Path) -> None:
    survey, _ = found(tmp_path, {"lab/train.py": "print('loss', 1)\n"})
    candidate = Candidate.model_validate(
        {"entry": "lab/train.py", "run": {"command": "python lab/train.py {settings}"},
         "settings": {}, "because": ""}
    )  # fmt: skip
    text = "ImportError: attempted relative import with no known parent package"
    made = mended(candidate, failed(text, "crash", text), survey)
    assert made is not None
    assert made.run.command == "python -m lab.train {settings}"


OPTIONS: tuple[tuple[str, Literal["float", "int", "bool", "text"]], ...] = (
    ("learning-rate", "float"), ("seed", "int"), ("amp", "bool"), ("output-dir", "text"),
)  # fmt: skip
WORDS = st.lists(
    st.sampled_from(
        ["python", "train.py", "--learning-rate", "0.5", "--seed=3", "--output-dir", "runs/a b",
         "&&", "cd", "work", "|", "tee", "x.log", "'", "--amp", "$HOME", "{seed}", "--", "-"]
    ) | st.text(max_size=8),
    max_size=9,
)  # fmt: skip


@given(WORDS)
def test_any_stated_line_gives_a_line_or_none(words: list[str]) -> None:
    """Whatever a README states: nothing raises, and what a trial sets stands in the line once."""
    text = " ".join(words)
    known = SURVEYED.entries[0]
    stated = Stated(command=text[:1000], place=Place(path="README.md", line=1))
    entries = (known.model_copy(update={"stated": (stated,)}),)
    for one in candidates(SURVEYED.model_copy(update={"entries": entries}), text, {}):
        assert one.run.command.count("{settings}") <= 1
        command, _, _ = run_line(one, {"learning-rate": 0.25}, 4)
        if one.run.command.count("{settings}"):
            assert "0.25" in command


def test_lines_are_spelt_so_that_a_shell_reads_them_back(tmp_path: Path) -> None:
    readme = '# Lab\n\n```\npython train.py "data/a b.csv" --seed 3\n```\n'
    _, ranked = found(tmp_path, {"train.py": ARGPARSE, "README.md": readme})
    line, _, _ = run_line(ranked[0], {}, 4)
    assert shlex.split(line)[2:5] == ["data/a b.csv", "--seed", "4"]


SURVEYED = Survey(
    files=1,
    entries=(
        EntryPoint(
            path="train.py",
            kind="script",
            command="python train.py",
            settings=tuple(
                Setting(
                    name=name, mechanism="argparse", type=kind, spelling=f"--{name}",
                    flag=kind == "bool", place=Place(path="train.py", line=1),
                )
                for name, kind in OPTIONS
            ),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "folder"),
    [
        (("results/a.json",), "results"),
        (("models/made/a.pkl", "models/b.pkl"), "models/made"),
        (("data/c.csv",), "outputs"),
        (("/tmp/a.json", "../b/c.json", "d.json", "tmp/e.json"), "outputs"),
    ],
)
def test_the_folder_that_is_kept_holds_nothing_that_the_program_needs(
    tmp_path: Path, written: tuple[str, ...], folder: str
) -> None:
    program = "import json\nfrom models import net\nrows = open('data/train.csv').read()\n"
    program += "".join(f"json.dump({{}}, open({path!r}, 'w'))\n" for path in written)
    files = {
        "train.py": program + "print('test loss', net)\n",
        "models/__init__.py": "",
        "models/net.py": "WIDTH = 3\n",
        "data/train.csv": "a,b\n1,2\n",
    }
    _, ranked = found(tmp_path, files)
    assert {candidate.outputs for candidate in ranked} == {folder}
