"""Literals of code and notebooks are set by address; every other byte stays."""

import json
from typing import Any

import pytest

from tests.sandboxes.test_apply_settings import ask


def source(file: str, content: str, values: dict[str, Any]) -> dict[str, Any]:
    return ask({"file": file, "content": content, "values": values, "style": "source"})


def test_literals_are_set_by_address() -> None:
    content = (
        "LR = 1e-3  # é\r\n"
        "clf = MLPClassifier(hidden_layer_sizes=(\r\n    50,\r\n), alpha=-0.5)\r\n"
        "sgd = SGD(lr=0.1); other = SGD(lr=0.2)\r\n"
    )
    values = {
        "LR": 0.5, "SGD.lr/2": 0.3, "MLPClassifier.alpha": 2,
        "MLPClassifier.hidden_layer_sizes": "(100, 20)",
    }  # fmt: skip
    wanted = (
        "LR = 0.5  # é\r\n"
        "clf = MLPClassifier(hidden_layer_sizes=(100, 20), alpha=2)\r\n"
        "sgd = SGD(lr=0.1); other = SGD(lr=0.3)\r\n"
    )
    assert source("t.py", content, values) == {"content": wanted, "missing": []}


def test_tuples_attributes_and_seeds_have_addresses() -> None:
    content = "lr, depth = 0.1, 3\nmodel.rate = 0.5\nrng = np.random.default_rng(7)\na, b = f()\n"
    values = {"lr": 0.2, "depth": 4, "model.rate": 0.6, "default_rng.seed": 8}
    wanted = "lr, depth = 0.2, 4\nmodel.rate = 0.6\nrng = np.random.default_rng(8)\na, b = f()\n"
    assert source("t.py", content, values) == {"content": wanted, "missing": []}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"SDG.lr": 1}, "t.py has no literal 'SDG.lr'; it has SGD.lr"),
        ({"SGD.betas": "exit()"}, "is a tuple or a list"),
    ],
)
def test_what_can_not_be_set_is_told(values: dict[str, Any], told: str) -> None:
    assert told in source("t.py", "SGD(lr=0.1, betas=(1, 2))\n", values)["error"]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_notebook_keeps_its_layout(listed: bool, indent: int | None) -> None:
    def cell(text: str) -> dict[str, Any]:
        lines: Any = text.splitlines(keepends=True) if listed else text
        return {"cell_type": "code", "outputs": [], "source": lines, "metadata": {"a": 1.50}}

    def notebook(rate: str, sizes: str) -> str:
        cells = [
            cell("%matplotlib inline\nSGD(lr=0.1)"),
            {"cell_type": "markdown", "source": ["SGD(lr=0.1)"]},
            cell(f"SGD(\n  lr={rate},\n  sizes={sizes})\nprint('é')\n"),
        ]
        return json.dumps({"metadata": {}, "cells": cells}, indent=indent, ensure_ascii=False)

    values = {"SGD.lr/2": 0.7, "SGD.sizes": "(3,)"}
    answer = source("n.ipynb", notebook("0.2", "(1,\n 2)") + "\n", values)
    assert answer == {"content": notebook("0.7", "(3,)") + "\n", "missing": []}


def test_magics_of_a_notebook_hide_no_literal() -> None:
    def notebook(*rates: str) -> str:
        texts = (
            f"%%time\nfit(lr={rates[0]})",
            f"files = !ls\nframe.head?\nwhole = %sql SELECT 1\nfit(lr={rates[1]})",
            "%%bash\necho fit(lr=0.1)",
            f'print("""\nlr = %s""" % fit(lr={rates[2]}))',
        )
        cells = [{"cell_type": "code", "source": text} for text in texts]
        return json.dumps({"cells": cells})

    values = {"fit.lr": 1, "fit.lr/2": 2, "fit.lr/3": 3}
    answer = source("n.ipynb", notebook("0.1", "0.2", "0.3"), values)
    assert answer == {"content": notebook("1", "2", "3"), "missing": []}


def test_ini_and_environment_files_keep_their_lines() -> None:
    content = "; top\n[train]\nlr = 0.1 ; slow\nname: x\n"
    answer = ask({"file": "c.ini", "content": content, "values": {"train.lr": 0.5}})
    assert answer["content"] == content.replace("0.1", "0.5")
    env = 'export LR="0.1"\nX=1\n'
    answer = ask({"file": ".env", "content": env, "values": {"LR": 2, "X": 3}})
    assert answer["content"] == 'export LR="2"\nX=3\n'
    assert "no key" in ask({"file": "c.ini", "content": content, "values": {"lr": 1}})["error"]
    assert "can't" in ask({"file": ".env", "content": env, "values": {"X": "$(id)"}})["error"]


@pytest.mark.parametrize(
    ("file", "old", "values", "new"),
    [
        (".env", "SEED=\nLR=0.1\n", {"SEED": 3}, "SEED=3\nLR=0.1\n"),
        (".env", "LR=0.1\nX=\nLR=0.2\n", {"LR": 3}, "LR=0.1\nX=\nLR=3\n"),
        ("c.ini", "[a]\r\nlr =\r\nn:\t ; x\r\n", {"a.lr": 3}, "[a]\r\nlr =3\r\nn:\t ; x\r\n"),
        ("c.ini", "[a]\nlr = 1\n[b]\nlr = 2\n", {"a.lr": 3}, "[a]\nlr = 3\n[b]\nlr = 2\n"),
    ],
)
def test_a_value_arrives_where_a_key_was_empty_or_stands_twice(
    file: str, old: str, values: dict[str, Any], new: str
) -> None:
    assert ask({"file": file, "content": old, "values": values}) == {"content": new, "missing": []}
