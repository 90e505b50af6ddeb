"""The script that writes settings, run by the Python that the tests run with."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import sandboxes

SCRIPT = Path(sandboxes.__file__).parent / "image/inside/apply_settings.py"


def apply(file: str, content: str, **values: Any) -> dict[str, Any]:
    return ask({"file": file, "content": content, "values": values})


def ask(request: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], input=json.dumps(request), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_yaml_keeps_comments_quotes_and_lists() -> None:
    content = (
        "# how we train\n"
        "optimizer:\n"
        "    learning_rate: 1e-4  # too low?\n"
        "    name: 'sgd'\n"
        "layers:\n"
        "    - 64\n"
        "    - 32\n"
        "a.b: 1\n"
    )
    answer = ask(
        {"file": "c.yaml", "content": content,
         "values": {"optimizer.learning_rate": 0.01, "a.b": 2}}
    )  # fmt: skip
    wanted = content.replace("1e-4  # too", "0.01  # too").replace("a.b: 1", "a.b: 2")
    assert answer == {"content": wanted, "missing": []}


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        (1e-05, "1.0e-05"), (2.5e-07, "2.5e-07"), (1e16, "1.0e+16"), (0.1, "0.1"), (3, "3"),
        (True, "true"), ("adam", "adam"), ("a/b-c.d", "a/b-c.d"), ("no", '"no"'), ("On", '"On"'),
        ("null", '"null"'), ("12:30", '"12:30"'), ("1e3", '"1e3"'), ("", '""'), ("~", '"~"'),
        ("a: b #c", '"a: b #c"'), ('say "é"\\', '"say \\"é\\"\\\\"'), ("a\n", '"a\\U0000000a"'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", ["a: {b: 'x', c: *y}", "a:\n  b: 3 # c\n  c: *y", "a: {b: }"])
def test_yaml_values_are_the_same_to_its_version_1_1(content: str, value: Any, spelt: str) -> None:
    content = f"y: &y 2\n{content}\n"
    answer = ask({"file": "c.yaml", "content": content, "values": {"a.b": value}})
    assert f"b: {spelt}" in answer["content"]
    for version in ((1, 1), (1, 2)):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        read = reader.load(answer["content"])["a"]["b"]
        assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("old", "values", "new"),
    [
        ("lr: &lr 0.1\nenc: {lr: *lr}\n", {"lr": 0.2}, "lr: &lr 0.2\nenc: {lr: *lr}\n"),
        ("lr: &lr 0.1\nenc: {lr: *lr}\n", {"enc.lr": 2}, "lr: &lr 0.1\nenc: {lr: 2}\n"),
        (
            "b: &b\n  lr: 1\nt: # c\n  <<: *b\nf: {<<: [*b], x: 1}\n",
            {"t.lr": 2, "f.lr": "no"},
            'b: &b\n  lr: 1\nt: # c\n  lr: 2\n  <<: *b\nf: {lr: "no", <<: [*b], x: 1}\n',
        ),
        ("a:\r\n  b: 0.1 # c\r\n  c:\r\n", {"a.b": 3}, "a:\r\n  b: 3 # c\r\n  c:\r\n"),
        ("a:\n  b: # c\n\n  c:\n", {"a.b": 3, "a.c": 4}, "a:\n  b: 3 # c\n\n  c: 4\n"),
        ("a: |\n  x\nb: [1,2,   3]\nc:   'x'\n", {"a": "z"}, "a: z\nb: [1,2,   3]\nc:   'x'\n"),
    ],
)  # fmt: skip
def test_every_other_byte_of_a_yaml_file_stays(old: str, values: Any, new: str) -> None:
    answer = ask({"file": "c.yaml", "content": old, "values": values})
    assert answer == {"content": new, "missing": []}


@pytest.mark.parametrize("key", ["copy.lr", "heir.deep.x"])
def test_a_key_of_anothers_yaml_table_is_not_set(key: str) -> None:
    content = "base: &base\n  lr: 1\n  deep: {x: 2}\ncopy: *base\nheir:\n  <<: *base\n"
    answer = ask({"file": "c.yaml", "content": content, "values": {key: 3}})
    assert "it has no keys of its own" in answer["error"]


def test_json_keeps_its_indentation() -> None:
    content = '{\n    "model": {\n        "depth": 2\n    },\n    "name": "é"\n}\n'
    answer = ask({"file": "c.json", "content": content, "values": {"model.depth": 5}})
    assert answer["content"] == content.replace("2", "5")


def test_json_keeps_its_line_ends() -> None:
    content = '{\r\n  "lr": 0.1\r\n}\r\n'
    assert apply("c.json", content, lr=0.2)["content"] == content.replace("0.1", "0.2")


def test_toml_keeps_comments() -> None:
    content = '# top\n[train]\nrate = 0.1 # slow\nname = "x"\n'
    answer = ask({"file": "c.toml", "content": content, "values": {"train.rate": 0.5}})
    assert answer["content"] == content.replace("0.1", "0.5")


@pytest.mark.parametrize(
    ("file", "content"),
    [("c.yaml", "a:\n  b: 1\n"), ("c.json", '{"a": {"b": 1}}'), ("c.toml", "[a]\nb = 1\n")],
)
def test_an_unknown_key_names_the_known_ones(file: str, content: str) -> None:
    answer = ask({"file": file, "content": content, "values": {"a.c": 1}})
    assert answer == {"error": f"a in {file} has no key 'c'; it has b"}
    assert "a table or a list" in apply(file, content, a=1)["error"]
    assert (
        "has no key 'x'" in ask({"file": file, "content": content, "values": {"a.b.x": 1}})["error"]
    )


def test_python_defaults_by_position() -> None:
    content = (
        "import argparse  # é keeps its bytes\n"
        "p = argparse.ArgumentParser()\n"
        'p.add_argument("--learning-rate", type=float, default=2e-4, help="é")\n'
        "p.add_argument('-b', '--batch_size', default = 32 , type=int)\r\n"
        'p.add_argument("--rate", dest="decay",\n'
        "               default=-0.5)\n"
        'p.add_argument("--computed", default=1 if p else 2)\n'
        'p.add_argument("--bare")\n'
        'other("--learning-rate", default=7)\n'
    )
    answer = apply(
        "train.py", content, learning_rate=0.5, batch_size=64, decay=0.1, computed=1, bare=2, no=3
    )
    wanted = (
        content.replace("2e-4", "0.5")
        .replace("default = 32", "default = 64")
        .replace("-0.5)", "0.1)")
    )
    assert answer == {"content": wanted, "missing": ["bare", "computed", "no"]}
    compile(answer["content"], "train.py", "exec")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("c.yaml", "lr: 0.1\n"), ("c.json", '{"lr": 0.1}'), ("c.toml", "lr = 0.1\n"),
        (".env", "lr=0.1\n"), ("c.py", 'p.add_argument("--lr", default=0.1)\n'),
    ],
)  # fmt: skip
def test_a_byte_order_mark_stays(file: str, content: str) -> None:
    answer = apply(file, f"\ufeff{content}", lr=0.2)
    assert answer == {"content": f"\ufeff{content.replace('0.1', '0.2')}", "missing": []}


@pytest.mark.parametrize("file", ["c.yaml", "c.py"])
def test_a_file_that_is_no_utf_8_is_told(file: str) -> None:
    content = b"# caf\xe9\nlr: 0.1\n".decode(errors="surrogateescape")
    assert "it is not UTF-8: save it so" in apply(file, content, lr=0.2)["error"]


def test_python_values_are_quoted() -> None:
    content = 'p.add_argument("--name", default="a")\n'
    value = "x'); import os; os.system('id') #\n"
    answer = apply("train.py", content, name=value)["content"]
    assert answer == content.replace('"a"', repr(value))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("c.yaml", "a: [1"), ("c.yaml", "!!python/object/apply:os.system ['id']"), ("c.json", "{"),
        ("c.toml", "= 1"), ("c.py", "def ("), ("c.ini", ""), ("noending", ""), ("c.yaml", ""),
        ("c.yaml", "- 1"), ("c.json", "[]"), ("c.json", "[" * 100_000),
    ],
)  # fmt: skip
def test_what_it_can_not_edit(file: str, content: str) -> None:
    assert apply(file, content, a=1)["error"]


def test_a_request_that_lacks_something() -> None:
    assert "lacks" in ask({"file": "c.yaml"})["error"]
    assert ask({"file": "c.yaml", "content": 1, "values": {}})["error"]


def test_defaults_of_other_options_and_of_fields_are_set() -> None:
    content = (
        '@click.option("--learning-rate", default=0.1)\n'
        "def main(learning_rate, depth=3): ...\n"
        'flags.DEFINE_float("dropout", 0.5, "share")\n'
        "class Config:\n    width: int = 8\n    twice: int = 1\n"
        "class Other:\n    twice: int = 2\n"
    )
    values = {"learning-rate": 0.2, "depth": 4, "dropout": 0.3, "width": 16, "twice": 9}
    answer = ask({"file": "main.py", "content": content, "values": values})
    assert answer["missing"] == ["twice"]
    expected = content.replace("default=0.1", "default=0.2").replace("depth=3", "depth=4")
    expected = expected.replace("0.5", "0.3").replace("width: int = 8", "width: int = 16")
    assert answer["content"] == expected
