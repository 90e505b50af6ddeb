"""What is read of settings files, shell scripts, Makefiles, notebooks and --help texts."""

import ast
import json
from typing import Any

from labcrew.domain.survey import Setting
from sandboxes.image.inside.survey.settings import (
    config_paths,
    config_settings,
    help_settings,
    make_settings,
    notebook_settings,
    shell_settings,
)


def checked(found: list[dict[str, Any]]) -> dict[str, Setting]:
    """The settings by name, as the host takes them."""
    read = [Setting.model_validate(one) for one in found]
    assert len({one.name for one in read}) == len(read)
    return {one.name: one for one in read}


def shown(setting: Setting, *fields: str) -> tuple[Any, ...]:
    return tuple(getattr(setting, field) for field in fields)


def test_yaml_with_lines_comments_and_numbers_as_people_write_them() -> None:
    found = checked(
        config_settings(
            "conf/base.yaml",
            "# base\noptim: &optim\n  lr: 1e-3  # step size\n  name: 'adam'\n  betas: [0.9, 0.99]\n"
            "eval:\n  <<: *optim\nsteps: 10_000\nuse_bn: yes\nnothing: null\n"
            "layers:\n  - size: 3\n  - size: 5\n",
        )
    )
    assert shown(found["optim.lr"], "type", "default", "help", "owner", "mechanism") == (
        "float", 1e-3, "step size", "optim", "file",
    )  # fmt: skip
    assert str(found["optim.lr"].place) == "conf/base.yaml:3"
    assert found["optim.lr"].place.text == "lr: 1e-3 # step size"
    assert shown(found["optim.betas"], "type", "default") == ("list", "0.9 0.99")
    assert found["optim.name"].default == "adam"
    assert found["eval.lr"].default == 1e-3
    assert found["steps"].default == 10_000
    assert shown(found["use_bn"], "type", "default") == ("bool", True)
    assert shown(found["nothing"], "type", "default") == ("unknown", None)
    assert found["layers.1.size"].default == 5


def test_keys_of_a_table_that_is_anothers_are_no_settings() -> None:
    found = config_settings(
        "a.yaml", "base: &base\n  lr: 1\n  deep: {x: 2}\ncopy: *base\nheir:\n  <<: *base\n"
    )
    assert [setting["name"] for setting in found] == ["base.lr", "base.deep.x", "heir.lr"]


def test_json_toml_ini_and_gin() -> None:
    found = checked(
        config_settings("a.json", '{\n "optim": {"lr": 0.1},\n "seed": 3,\n "deep": {"lr": 2}\n}')
    )
    assert shown(found["optim.lr"], "default", "type") == (0.1, "float")
    assert str(found["deep.lr"].place) == "a.json:4"
    found = checked(config_settings("a.toml", 'lr = 1e-4\n[model]\nwidth = 64\nname = "x"\n'))
    assert shown(found["lr"], "default", "type") == (1e-4, "float")
    assert str(found["model.width"].place) == "a.toml:3"
    found = checked(config_settings("a.ini", "[DEFAULT]\nseed = 1\n[train]\nlr = 0.1\nbn = true\n"))
    assert shown(found["train.lr"], "default", "type", "owner") == (0.1, "float", "train")
    assert found["train.bn"].default is True
    assert "train.seed" not in found
    assert str(found["train.lr"].place) == "a.ini:4"
    found = checked(config_settings("a.gin", "# x\ntrain.lr = 0.1\nLR = 3\nNet.act = @relu\n"))
    assert shown(found["train.lr"], "default", "mechanism") == (0.1, "gin")
    assert found["Net.act"].default is None


def test_a_broken_or_unknown_settings_file_has_no_settings() -> None:
    assert config_settings("a.yaml", "a: [1\nb: }") == []
    assert config_settings("a.json", "{") == []
    assert config_settings("a.toml", "= 3") == []
    assert config_settings("a.bin", "x") == []


SCRIPT = """#!/bin/bash
set -e
LR=${LR:-0.1}
: "${EPOCHS:=20}"
DATA=$1
OUT=${2:-runs}
SEED=1
while getopts "b:v" flag; do
  case $flag in
    b) BATCH=$OPTARG;;
    v) VERBOSE=true;;
  esac
done
while [[ $# -gt 0 ]]; do
  case "$1" in
    --width) WIDTH="$2"; shift 2;;
    --amp) AMP=1; shift;;
  esac
done
python train.py --lr $LR
"""


def test_shell_scripts() -> None:
    found = checked(shell_settings("run.sh", SCRIPT))
    assert shown(found["LR"], "mechanism", "type", "default", "spelling") == (
        "shell", "float", 0.1, "LR=",
    )  # fmt: skip
    assert shown(found["EPOCHS"], "type", "default") == ("int", 20)
    assert shown(found["DATA"], "position", "required") == (1, True)
    assert shown(found["OUT"], "position", "required", "default") == (2, False, "runs")
    assert shown(found["SEED"], "mechanism", "default") == ("constant", 1)
    assert shown(found["b"], "spelling", "flag") == ("-b", False)
    assert shown(found["v"], "spelling", "flag") == ("-v", True)
    assert shown(found["width"], "spelling", "flag") == ("--width", False)
    assert shown(found["amp"], "spelling", "flag") == ("--amp", True)


def test_makefile_variables() -> None:
    found = checked(
        make_settings(
            "Makefile",
            "LR ?= 0.1  # step size\nEPOCHS := 5\nPY = $(VENV)/bin/python\nSHELL = sh\n"
            "train:\n\tX=1 $(PY) train.py --lr $(LR)\n",
        )
    )
    assert set(found) == {"LR", "EPOCHS"}
    assert shown(found["LR"], "mechanism", "type", "default", "spelling", "help") == (
        "make", "float", 0.1, "LR=", "step size",
    )  # fmt: skip


def notebook(*cells: tuple[list[str], list[str]]) -> str:
    made = [
        {
            "cell_type": "code",
            "metadata": {"tags": tags},
            "source": [f"{line}\n" for line in lines],
            "outputs": [],
        }
        for tags, lines in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4, "metadata": {}}, indent=1)


def test_a_notebook_with_a_cell_of_parameters() -> None:
    text = notebook(([], ["import torch"]), (["parameters"], ["lr = 0.1", "epochs = 2 * 5"]))
    found = checked(notebook_settings("a.ipynb", text))
    assert shown(found["lr"], "mechanism", "type", "default", "spelling") == (
        "papermill", "float", 0.1, "-p lr",
    )  # fmt: skip
    assert found["epochs"].default == 10
    assert "epochs" in text.split("\n")[found["epochs"].place.line - 1]


def test_a_notebook_without_parameters_shows_its_literals() -> None:
    text = notebook(
        ([], ["%matplotlib inline", "!pip install x", "RATE = 0.1"]),
        ([], ["fit(Ridge(alpha=2.0))"]),
    )
    found = checked(notebook_settings("a.ipynb", text))
    assert found["RATE"].default == 0.1
    assert shown(found["Ridge.alpha"], "mechanism", "owner") == ("keyword", "Ridge")
    assert "alpha" in text.split("\n")[found["Ridge.alpha"].place.line - 1]


HELP = """usage: tool [options] FILE

Options:
  -h, --help            show this help message and exit
  -l, --learning-rate FLOAT
                        step size (default: 0.05)
  --epochs N            passes over the data [default: 10]
  --loss {hinge,log}    the loss (default: hinge)
      --solver <NAME>   Which solver [default: lbfgs] [possible values: lbfgs, sgd]
  -v, --verbose         say more
  --dim=<int>           size of vectors [100]
  -lr                 learning rate [0.1]
  --no-shuffle          keep the order
"""


def test_the_text_of_help() -> None:
    found = checked(help_settings(HELP))
    assert shown(found["learning-rate"], "type", "default", "spelling", "mechanism") == (
        "float", 0.05, "--learning-rate", "help",
    )  # fmt: skip
    assert shown(found["epochs"], "type", "default") == ("int", 10)
    assert shown(found["loss"], "choices", "default") == (("hinge", "log"), "hinge")
    assert shown(found["solver"], "choices", "default") == (("lbfgs", "sgd"), "lbfgs")
    assert shown(found["verbose"], "flag", "type") == (True, "bool")
    assert shown(found["dim"], "type", "default", "flag") == ("int", 100, False)
    assert shown(found["lr"], "type", "default", "spelling") == ("float", 0.1, "-lr")
    assert shown(found["no-shuffle"], "flag") == (True,)
    assert "help" not in found


def test_the_settings_files_that_a_program_reads() -> None:
    text = """
import argparse, json, os, yaml, hydra
from pathlib import Path
HERE = Path(__file__).parent
parser = argparse.ArgumentParser()
parser.add_argument("--config", default="configs/base.yaml")
with open(os.path.join("conf", "model.json")) as file:
    model = json.load(file)
other = yaml.safe_load((HERE / "extra.yml").read_text())
with open("results.json", "w") as out:
    json.dump({}, out)
(HERE / "log.json").write_text("{}")

@hydra.main(config_path="../conf", config_name="train", version_base=None)
def main(cfg): ...
"""
    assert config_paths(ast.parse(text), text) == [
        "configs/base.yaml", "conf/model.json", "extra.yml", "../conf/train.yaml",
    ]  # fmt: skip
    assert config_paths(ast.parse("x = 1"), "x = 1") == []
