"""Each operator of structural mutation makes the edit that it is named for."""

import libcst as cst
import pytest

from agents.evolution.mutations import MUTATIONS
from agents.evolution.syntax import compile_trouble

PROGRAM = """
import random


def loss(x):
    return abs(x - 3)


def draw(seed, width=2.0):
    random.seed(seed)
    x = random.random()
    if x > 0.5 and width:
        x = x * width
    return x


def other(seed, width=2.0):
    x = float(seed)
    return x


def search(seed):
    best_loss = 9
    point = draw(seed, 4.0)
    return best_loss, point


def main(number):
    found = search(number)
    start = draw(number, 5.0)
    return found, start
"""

EXPECTED = {
    "swap_statements": "    x = random.random()\n    random.seed(seed)\n",
    "delete_statement": "def draw(seed, width=2.0):\n    x = random.random()\n",
    "duplicate_statement": "    random.seed(seed)\n    random.seed(seed)\n",
    "unwrap_block": "    x = random.random()\n    x = x * width\n    return x\n",
    "repeat_in_loop": "    for _ in range(3):\n        x = random.random()\n",
    "try_again": "    try:\n        x = random.random()\n    except Exception:\n        pass\n",
    "exchange_bodies": "def draw(seed, width=2.0):\n    x = float(seed)\n    return x\n",
    "change_operator": "        x = x / width\n",
    "change_comparison": "    if x >= 0.5 and width:\n",
    "change_condition": "    if x > 0.5 or width:\n",
    "change_number": "    return abs(x - 2)\n",
    "exchange_names": "        x = width * width\n",
    "exchange_arguments": "    point = draw(4.0, seed)\n",
    "exchange_calls": "    point = other(seed, 4.0)\n",
    "keep_best": (
        "    start = min((draw((number) + 7919 * attempt_, 5.0) for attempt_ in range(4)),"
        " key=loss)\n"
    ),
    "keep_best_returned": (
        "    found = min((search((number) + 7919 * attempt_) for attempt_ in range(16)),"
        " key=lambda found_: found_[0])\n"
    ),
}


def test_every_operator_is_shown() -> None:
    assert EXPECTED.keys() == MUTATIONS.keys()


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_operator_lists_its_edits(name: str) -> None:
    tree = cst.parse_module(PROGRAM)
    edits = MUTATIONS[name](tree)
    texts = [edit.made(tree) for edit in edits]
    assert any(EXPECTED[name] in text for text in texts), "\n".join(texts)
    assert len(set(texts)) == len(texts)
    assert PROGRAM not in texts
    assert all(compile_trouble(text) == "" for text in texts)


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_operator_finds_nothing_where_nothing_is(name: str) -> None:
    assert MUTATIONS[name](cst.parse_module("X = 1\n")) == []


def test_the_best_of_several_is_better() -> None:
    tree = cst.parse_module(PROGRAM)
    better = next(
        text
        for text in (edit.made(tree) for edit in MUTATIONS["keep_best"](tree))
        if "start = min((draw((number) + 7919 * attempt_, 5.0) for attempt_ in range(16))" in text
    )
    results = []
    for text in (PROGRAM, better):
        names: dict[str, object] = {}
        exec(compile(text, "toy", "exec"), names)
        results.append([abs(names["main"](n)[1] - 3) for n in range(20)])  # type: ignore[operator]
    assert all(b <= a for a, b in zip(*results, strict=True))
    assert sum(results[1]) < sum(results[0]) / 2


def test_what_reads_and_writes_is_left_alone() -> None:
    text = (
        "def work(x):\n    return 'a' + x\n\n\ndef main(file):\n    x = open(file, 'r').read()\n"
        "    x += 1\n    return print(work(x))\n\n\nif __name__ == '__main__':\n    main(1)\n"
    )
    tree = cst.parse_module(text)
    for name in ("delete_statement", "change_operator", "change_condition", "exchange_arguments"):
        assert MUTATIONS[name](tree) == []
    alone = cst.parse_module("def main(x):\n    y = 1\n    return x + y\n")
    assert MUTATIONS["delete_statement"](alone)
