"""What is read of a program's settings: argparse and its kin."""

from collections.abc import Mapping
from typing import Any

from labcrew.domain.survey import Setting
from sandboxes.image.inside.survey.settings import settings_of


def settings(files: Mapping[str, str] | str, entry: str = "train.py") -> dict[str, Setting]:
    """The settings of an entry point by name, as the host takes them."""
    files = {entry: files} if isinstance(files, str) else files
    found = settings_of(entry, files[entry], files.get, tuple(files))
    read = [Setting.model_validate(one) for one in found]
    assert len({one.name for one in read}) == len(read)
    return {one.name: one for one in read}


def shown(setting: Setting, *fields: str) -> tuple[Any, ...]:
    return tuple(getattr(setting, field) for field in fields)


TRAINING = """
import argparse
from options import LR, add_common

WEIGHTS = {"decay": 1e-4, "momentum": 0.9}

def yes(text):
    return text.lower() in ("yes", "true")

def main():
    parser = argparse.ArgumentParser()
    optimisation = parser.add_argument_group("optimisation")
    optimisation.add_argument("-l", "--learning-rate", type=float, default=LR * 2,
                              help="step size (default: %(default)s)")
    parser.add_argument("--batch_size", type=int, default=2**6)
    parser.add_argument("--no-cuda", action="store_true")
    parser.add_argument("--bn", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--amp", type=yes, default=False)
    parser.add_argument("--optimizer", choices=("sgd", "adam"), default="sgd")
    parser.add_argument("--hidden", nargs="+", type=int, default=[64, 32])
    for name, value in WEIGHTS.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("data")
    commands = parser.add_subparsers(dest="command")
    fit = commands.add_parser("fit")
    add_common(fit)
    test = commands.add_parser("test")
    add_common(test)
    test.add_argument("checkpoint")
    parser.set_defaults(momentum=0.8, run=print)
    args = parser.parse_args()
"""
OPTIONS = """
import argparse
LR = 0.05

def add_common(parser):
    parser.add_argument("--epochs", type=int, required=True)

if __name__ == "__main__":
    other = argparse.ArgumentParser()
    other.add_argument("--unrelated")
"""


def test_argparse_with_groups_loops_subcommands_and_helpers_of_other_modules() -> None:
    found = settings({"train.py": TRAINING, "options.py": OPTIONS})
    assert shown(found["learning-rate"], "type", "default", "spelling", "help", "mechanism") == (
        "float", 0.1, "--learning-rate", "step size (default: 0.1)", "argparse",
    )  # fmt: skip
    assert str(found["learning-rate"].place) == "train.py:13"
    assert found["learning-rate"].place.text.startswith("optimisation.add_argument(")
    assert shown(found["batch_size"], "type", "default") == ("int", 64)
    assert shown(found["no-cuda"], "type", "default", "flag") == ("bool", False, True)
    assert shown(found["bn"], "default", "flag", "negation") == (True, True, "--no-bn")
    assert shown(found["amp"], "flag", "default") == (False, False)
    assert found["optimizer"].choices == ("sgd", "adam")
    assert shown(found["hidden"], "type", "default") == ("list", "64 32")
    assert shown(found["decay"], "type", "default") == ("float", 1e-4)
    assert found["momentum"].default == 0.8
    assert shown(found["data"], "position", "required", "spelling") == (1, True, "")
    assert shown(found["command"], "position", "choices") == (2, ("fit", "test"))
    assert shown(found["epochs"], "owner", "required", "place")[:2] == ("fit", True)
    assert str(found["epochs"].place) == "options.py:6"
    assert shown(found["test.epochs"], "owner", "spelling") == ("test", "--epochs")
    assert shown(found["checkpoint"], "owner", "position") == ("test", 3)
    assert "unrelated" not in found


def test_options_of_classes_that_inherit_across_modules() -> None:
    files = {
        "train.py": "from options.train_options import TrainOptions\nTrainOptions().parse()\n",
        "options/train_options.py": (
            "from .base_options import BaseOptions\n"
            "class TrainOptions(BaseOptions):\n"
            "    def initialize(self, parser):\n"
            "        parser = BaseOptions.initialize(self, parser)\n"
            "        parser.add_argument('--n_epochs', type=int, default=100)\n"
            "        return parser\n"
        ),
        "options/base_options.py": (
            "import argparse\n"
            "class BaseOptions:\n"
            "    def initialize(self, parser):\n"
            "        parser.add_argument('--dataroot', required=True)\n"
            "        return parser\n"
            "    def parse(self):\n"
            "        parser = self.initialize(argparse.ArgumentParser())\n"
            "        return parser.parse_args()\n"
        ),
    }
    found = settings(files)
    assert set(found) == {"dataroot", "n_epochs"}
    assert found["dataroot"].required


def test_a_program_that_offers_nothing_shows_its_literals() -> None:
    found = settings(
        "from sklearn.neural_network import MLPClassifier\n"
        "EPOCHS = 10\n"
        "model = MLPClassifier(alpha=1e-4, hidden_layer_sizes=(100,), solver='adam')\n"
        "plt.plot(x, linewidth=3)\n"
        "print('done', end='')\n"
    )
    assert shown(found["MLPClassifier.alpha"], "mechanism", "type", "default", "owner") == (
        "keyword", "float", 1e-4, "MLPClassifier",
    )  # fmt: skip
    assert shown(found["EPOCHS"], "mechanism", "type", "default") == ("constant", "int", 10)
    assert shown(found["MLPClassifier.hidden_layer_sizes"], "type", "default") == ("list", "(100,)")
    assert found["MLPClassifier.solver"].default == "adam"
    assert "plot.linewidth" not in found


def test_globals_that_an_executed_file_sets_from_the_command_line() -> None:
    found = settings(
        {
            "train.py": (
                "learning_rate = 6e-4\n"
                "exec(open('configurator.py').read())\n"
                "def step(scale=2.0): ...\n"
            ),
            "configurator.py": (
                "import sys\nfor word in sys.argv[1:]:\n"
                "    key, value = word.split('=')\n    globals()[key[2:]] = value\n"
            ),
        }
    )
    assert shown(found["learning_rate"], "spelling", "default") == ("--learning_rate=", 6e-4)
    assert found["step.scale"].spelling == ""
