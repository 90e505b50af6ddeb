"""What is read of a program's settings: a real-looking program for each mechanism but argparse."""

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


def test_click_with_a_group_of_two_commands() -> None:
    found = settings("""
import click

@click.group()
@click.option("--debug/--no-debug", default=False)
def cli(debug): ...

@cli.command()
@click.option("-r", "--lr", type=float, default=1e-3, show_default=True, help="step size")
@click.option("--optimizer", type=click.Choice(["sgd", "adam"]), default="adam")
@click.option("--layers", type=int, multiple=True)
@click.option("--amp", is_flag=True)
@click.argument("data", type=click.Path(exists=True))
def train_model(lr, optimizer, layers, amp, data): ...

@cli.command("score")
@click.option("--batch", default=32)
def evaluate(batch): ...

if __name__ == "__main__":
    cli()
""")
    assert shown(found["command"], "choices", "position", "required") == (
        ("train-model", "score"), 1, True,
    )  # fmt: skip
    assert shown(found["debug"], "flag", "negation", "owner") == (True, "--no-debug", "")
    assert shown(found["lr"], "type", "default", "spelling", "owner", "help") == (
        "float", 1e-3, "--lr", "train-model", "step size",
    )  # fmt: skip
    assert found["optimizer"].choices == ("sgd", "adam")
    assert found["layers"].type == "list"
    assert shown(found["amp"], "flag", "default", "type") == (True, False, "bool")
    assert shown(found["data"], "position", "required") == (2, True)
    assert shown(found["batch"], "type", "default", "owner") == ("int", 32, "score")


def test_a_single_click_command_has_no_owner() -> None:
    found = settings(
        "import click\n"
        "@click.command()\n"
        "@click.option('--epochs', default=5)\n"
        "def main(epochs): ...\n"
        "main()\n"
    )
    assert set(found) == {"epochs"}
    assert found["epochs"].owner == ""


def test_typer_by_default_and_by_annotation() -> None:
    found = settings("""
from enum import Enum
from typing import Annotated, Literal, Optional
import typer

class Optimizer(str, Enum):
    sgd = "sgd"
    adam = "adam"

app = typer.Typer()

@app.command()
def main(
    data: str,
    learning_rate: float = typer.Option(0.01, "--lr", help="step size"),
    batch_size: int = 32,
    optimizer: Optimizer = Optimizer.adam,
    shuffle: bool = True,
    dropout: Annotated[Optional[float], typer.Option(help="share of units left out")] = 0.1,
    schedule: Literal["cosine", "step"] = "cosine",
    out: Annotated[str, typer.Argument()] = "runs",
): ...

app()
""")
    assert shown(found["data"], "position", "required", "spelling") == (1, True, "")
    assert shown(found["lr"], "type", "default", "spelling", "help") == (
        "float", 0.01, "--lr", "step size",
    )  # fmt: skip
    assert shown(found["batch-size"], "type", "default", "spelling") == ("int", 32, "--batch-size")
    assert shown(found["optimizer"], "choices", "default") == (("sgd", "adam"), "adam")
    assert shown(found["shuffle"], "flag", "negation", "default") == (True, "--no-shuffle", True)
    assert shown(found["dropout"], "type", "default", "help") == (
        "float", 0.1, "share of units left out",
    )  # fmt: skip
    assert found["schedule"].choices == ("cosine", "step")
    assert shown(found["out"], "position", "required", "default") == (2, False, "runs")
    assert "command" not in found


def test_absl_flags_and_a_configuration_file_in_python() -> None:
    found = settings(
        {
            "train.py": """
from absl import app, flags
from ml_collections import config_flags
FLAGS = flags.FLAGS
flags.DEFINE_float("lr", 1e-3, "step size")
flags.DEFINE_integer("steps", 10 * 1000, "how long", lower_bound=1)
flags.DEFINE_boolean("augment", True, "whether")
flags.DEFINE_enum("model", "cnn", ["cnn", "vit"], "which")
flags.DEFINE_string("workdir", None, "where")
flags.mark_flags_as_required(["workdir"])
config_flags.DEFINE_config_file("config", "configs/default.py")
""",
            "configs/default.py": """
import ml_collections
def get_config():
    config = ml_collections.ConfigDict()
    config.batch_size = 128
    config.optim = ml_collections.ConfigDict(dict(momentum=0.9))
    config.optim.weight_decay = 5e-4
    return config
""",
        }
    )
    assert shown(found["lr"], "type", "default", "spelling") == ("float", 1e-3, "--lr")
    assert found["steps"].default == 10_000
    assert shown(found["augment"], "flag", "negation", "default") == (True, "--noaugment", True)
    assert shown(found["model"], "choices", "default") == (("cnn", "vit"), "cnn")
    assert found["workdir"].required
    assert shown(found["config.batch_size"], "default", "spelling") == (128, "--config.batch_size")
    assert found["config.optim.weight_decay"].default == 5e-4
    assert found["config.optim.momentum"].default == 0.9
    assert str(found["config.batch_size"].place) == "configs/default.py:5"


def test_fire_on_a_function_and_on_a_class() -> None:
    function = settings(
        "import fire\n"
        "def train(data, lr=0.1, epochs: int = 3, bn=True):\n"
        "    '''Trains.\n\n    Args:\n        lr: the step size\n    '''\n"
        "fire.Fire(train)\n"
    )
    assert shown(function["data"], "required", "spelling") == (True, "--data")
    assert shown(function["lr"], "type", "default", "help") == ("float", 0.1, "the step size")
    assert shown(function["bn"], "flag", "negation") == (True, "--nobn")
    trainer = settings(
        "import fire\n"
        "class Trainer:\n"
        "    def __init__(self, lr=0.1): ...\n"
        "    def fit(self, epochs=3): ...\n"
        "    def score(self, split='test'): ...\n"
        "fire.Fire(Trainer)\n"
    )
    assert trainer["command"].choices == ("fit", "score")
    assert shown(trainer["epochs"], "owner", "default") == ("fit", 3)
    assert trainer["lr"].owner == ""


HYDRA = {
    "src/train.py": """
import hydra
@hydra.main(version_base=None, config_path="../conf", config_name="config")
def main(cfg): ...
main()
""",
    "conf/config.yaml": """
defaults:
  - model: cnn
  - optimizer: adam
  - _self_
  - override hydra/job_logging: none

seed: 1
trainer:
  epochs: 10        # passes
  lr: ${optimizer.lr}
data_dir: ???
optimizer:
  lr: 3e-4
""",
    "conf/model/cnn.yaml": "_target_: models.Cnn\nwidth: 64\n",
    "conf/model/mlp.yaml": "_target_: models.Mlp\n",
    "conf/optimizer/adam.yaml": "lr: 0.001\nbetas: [0.9, 0.999]\n",
    "conf/optimizer/sgd.yaml": "# @package _global_\noptimizer:\n  lr: 0.1\n",
}


def test_hydra_composes_its_groups() -> None:
    found = settings(HYDRA, "src/train.py")
    assert shown(found["model"], "choices", "default", "spelling") == (
        ("cnn", "mlp"), "cnn", "model=",
    )  # fmt: skip
    assert shown(found["optimizer.lr"], "default", "type", "mechanism") == (3e-4, "float", "hydra")
    assert str(found["optimizer.lr"].place) == "conf/config.yaml:14"
    assert shown(found["optimizer.betas"], "type", "default") == ("list", "0.9 0.999")
    assert found["model.width"].default == 64
    assert str(found["model.width"].place) == "conf/model/cnn.yaml:2"
    assert found["trainer.lr"].default == 3e-4
    assert shown(found["data_dir"], "required", "default") == (True, None)
    assert not any("_target_" in name for name in found)


def test_hydra_with_a_structured_configuration() -> None:
    found = settings("""
from dataclasses import dataclass, field
import hydra
from hydra.core.config_store import ConfigStore

@dataclass
class Optim:
    lr: float = 0.01

@dataclass
class Config:
    epochs: int = 5
    optim: Optim = field(default_factory=Optim)

cs = ConfigStore.instance()
cs.store(name="config", node=Config)

@hydra.main(config_path=None, config_name="config", version_base=None)
def main(cfg): ...
""")
    assert shown(found["optim.lr"], "default", "spelling", "mechanism") == (
        0.01, "optim.lr=", "hydra",
    )  # fmt: skip
    assert found["epochs"].default == 5


def test_omegaconf_merged_with_the_command_line() -> None:
    files = {
        "train.py": (
            "from omegaconf import OmegaConf\n"
            "base = OmegaConf.load('configs/base.yaml')\n"
            "cfg = OmegaConf.merge(base, OmegaConf.from_cli())\n"
        ),
        "configs/base.yaml": "optim:\n  lr: 0.1\n",
    }
    assert shown(settings(files)["optim.lr"], "spelling", "default") == ("optim.lr=", 0.1)


def test_gin_configurables() -> None:
    found = settings("""
from absl import flags
import gin
flags.DEFINE_multi_string("gin_bindings", [], "bindings")

@gin.configurable
def train(model, lr=0.1, steps=100): ...

@gin.configurable("Net")
class Network:
    def __init__(self, width: int = 32, act=None): ...
""")
    assert shown(found["train.lr"], "mechanism", "default", "spelling") == (
        "gin", 0.1, "--gin_bindings=train.lr=",
    )  # fmt: skip
    assert found["Net.width"].default == 32
    assert "train.model" not in found


ARGUMENTS = '''
from dataclasses import dataclass, field
from typing import List, Optional

@dataclass
class Optim:
    weight_decay: float = 0.01

@dataclass
class Arguments:
    """How to train.

    Args:
        warmup: steps of warm-up
    """
    data: str
    learning_rate: float = field(default=5e-5, metadata={"help": "step size"})
    warmup: Optional[int] = None
    amp: bool = False
    layers: List[int] = field(default_factory=lambda: [64, 64])
    optim: Optim = field(default_factory=Optim)
'''


def test_dataclasses_by_the_library_that_reads_them() -> None:
    hf = settings(
        ARGUMENTS + "from transformers import HfArgumentParser\n"
        "parser = HfArgumentParser((Arguments, Optim))\nparser.parse_args_into_dataclasses()\n"
    )
    assert shown(hf["learning_rate"], "spelling", "default", "help", "mechanism", "owner") == (
        "--learning_rate", 5e-5, "step size", "dataclass", "Arguments",
    )  # fmt: skip
    assert shown(hf["warmup"], "type", "default", "help") == ("int", None, "steps of warm-up")
    assert shown(hf["data"], "required", "type") == (True, "text")
    assert shown(hf["layers"], "type", "default") == ("list", "64 64")
    assert hf["weight_decay"].default == 0.01

    tyro = settings(ARGUMENTS + "import tyro\nargs = tyro.cli(Arguments)\n")
    assert shown(tyro["learning-rate"], "spelling", "default") == ("--learning-rate", 5e-5)
    assert shown(tyro["amp"], "flag", "negation") == (True, "--no-amp")
    assert shown(tyro["optim.weight-decay"], "spelling") == ("--optim.weight-decay",)

    draccus = settings(
        ARGUMENTS + "import draccus\n@draccus.wrap()\ndef main(cfg: Arguments): ...\nmain()\n"
    )
    assert draccus["optim.weight_decay"].spelling == "--optim.weight_decay"

    simple = settings(
        ARGUMENTS + "from simple_parsing import ArgumentParser\nparser = ArgumentParser()\n"
        "parser.add_arguments(Arguments, dest='a')\nparser.add_argument('--seed', default=1)\n"
    )
    assert {"learning_rate", "weight_decay", "seed"} <= set(simple)

    plain = settings(ARGUMENTS + "config = Arguments('x')\n")
    assert shown(plain["Arguments.learning_rate"], "spelling", "default") == ("", 5e-5)
    assert plain["Optim.weight_decay"].owner == "Optim"


def test_typed_argument_parser() -> None:
    found = settings(
        "from tap import Tap\n"
        "class Args(Tap):\n    lr: float = 0.1  # step size\n    amp: bool = False\n"
        "args = Args().parse_args()\n"
    )
    assert shown(found["lr"], "spelling", "default", "help") == ("--lr", 0.1, "step size")
    assert found["amp"].flag


def test_pydantic_settings_by_variable_and_by_command_line() -> None:
    program = """
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRAIN_"{})
    lr: float = Field(0.1, description="step size")
    batch: int = Field(32, validation_alias="BATCH")
    token: str
Settings()
"""
    found = settings(program.replace("{}", ""))
    assert shown(found["lr"], "spelling", "default", "help") == ("TRAIN_LR=", 0.1, "step size")
    assert found["batch"].spelling == "BATCH="
    assert found["token"].required
    assert settings(program.replace("{}", ", cli_parse_args=True"))["lr"].spelling == "--lr"


def test_environment_variables() -> None:
    found = settings(
        "import os\n"
        "lr = float(os.environ.get('LR', '0.1'))\n"
        "steps = int(os.getenv('STEPS', 100))\n"
        "amp = os.getenv('AMP', '0') == '1'\n"
        "home = os.environ['DATA']\n"
        "os.environ['SET'] = '1'\n"
    )
    assert shown(found["LR"], "type", "default", "spelling") == ("float", 0.1, "LR=")
    assert shown(found["STEPS"], "type", "default") == ("int", 100)
    assert shown(found["AMP"], "type", "default") == ("bool", False)
    assert shown(found["DATA"], "required", "type") == (True, "text")
    assert "SET" not in found


def test_words_of_the_command_line_by_position() -> None:
    found = settings(
        "import sys\n"
        "data = sys.argv[1]\n"
        "lr = float(sys.argv[2]) if len(sys.argv) > 2 else 0.1\n"
        "epochs = 5\n"
        "if len(sys.argv) > 3:\n"
        "    epochs = int(sys.argv[3])\n"
    )
    assert shown(found["data"], "position", "required", "mechanism") == (1, True, "argv")
    assert shown(found["lr"], "position", "type", "default", "required") == (2, "float", 0.1, False)
    assert shown(found["epochs"], "position", "type", "default") == (3, "int", 5)


def test_unpacked_words_of_the_command_line() -> None:
    found = settings("import sys\n_, lr, epochs = sys.argv\nprint(float(lr))\n")
    assert [(one.name, one.position) for one in found.values()] == [("lr", 1), ("epochs", 2)]
