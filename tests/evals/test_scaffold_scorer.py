"""The judge of the scaffold's answers holds against answers that would rather not compute."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals.scaffold_parts import scorer

JUDGE = scorer()
TESTS: list[dict[str, Any]] = [
    {"args": [n], "result": expected} for n, expected in ((2, 4), (3, 9), (-1, 1), (10, 100))
]
RIGHT = "def square(n):\n    return n * n\n"


def why(source: str) -> str:
    said: str = JUDGE.wrong(source.encode(), "square", TESTS)
    return said


def test_a_right_answer_passes_however_noisy() -> None:
    assert why(RIGHT) == ""
    assert why("print('hello')\n" + RIGHT + "print(square(3))\n") == ""
    assert why("import math, re, itertools, collections, datetime\n" + RIGHT) == ""
    assert why("from typing import List\nclass A: pass\n" + RIGHT) == ""


# Each tries to be taken for right, or to get at what it may not.
HOSTILE = {
    "prints a score": 'print(\'{"score": 1.0, "why": ""}\')',
    "exits with success": "import os\nos._exit(0)",
    "raises SystemExit": "raise SystemExit(0)",
    "equal to everything": (
        "class Equal:\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        "def square(n): return Equal()"
    ),
    "a number that is equal to everything": (
        "class Equal(int):\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        "def square(n): return Equal(7)"
    ),
    "patches builtins": (
        "import builtins, json\nbuiltins.all = lambda x: True\njson.dumps = lambda *a: '[]'\n"
        "def square(n): return 0"
    ),
    "replies by itself": (
        "import os\nfor fd in range(3, 64):\n"
        '    try: os.write(fd, b\'[{"value": 1}, {"value": 1}, {"value": 1}, {"value": 1}]\')\n'
        "    except OSError: pass\nos._exit(0)"
    ),
    "replies with a verdict": (
        "import os\nfor fd in range(3, 64):\n"
        "    try: os.write(fd, b'\"\"')\n"
        "    except OSError: pass\nos._exit(0)"
    ),
    "walks the stack": (
        "import sys\ndef square(n):\n    frame, seen = sys._getframe(), []\n"
        "    while frame:\n        seen.append(frame.f_locals)\n        frame = frame.f_back\n"
        "    found = [t for f in seen for t in f.get('tests', [])]\n"
        "    return found[0]['result']"
    ),
    "looks for the answers in memory": (
        "import gc\ndef square(n):\n    for o in gc.get_objects():\n"
        "        if isinstance(o, dict) and 'result' in o: return o['result']\n"
    ),
    "opens files": (
        "def square(n):\n    for d in ('/proc/self/environ', '/etc/passwd', 'case.json'):\n"
        "        return len(open(d).read())"
    ),
    "reads its judge's memory": (
        "import os\ndef square(n):\n    return open(f'/proc/{os.getppid()}/mem', 'rb').read(1)[0]"
    ),
    "starts a process": "import os\ndef square(n):\n    return os.fork() and 4",
    "runs a command": "import os\ndef square(n):\n    return os.system('true')",
    "kills its judge": "import os\ndef square(n):\n    os.kill(os.getppid(), 9)\n    return n * n",
    "calls the kernel itself": (
        "import ctypes\ndef square(n):\n    return ctypes.CDLL(None).open(b'/etc/passwd', 0)"
    ),
    "starts a thread": (
        "import _thread\ndef square(n):\n    _thread.start_new_thread(print, ())\n    return n * n"
    ),
    "never ends": "def square(n):\n    while True: pass",
    "sleeps": "import time\ndef square(n):\n    time.sleep(60)\n    return n * n",
    "eats memory": "def square(n):\n    return len('x' * 10**10)",
    "returns too much": "def square(n):\n    return 'x' * 10**7",
    "returns a depth": (
        "def square(n):\n    x = []\n    for _ in range(100000): x = [x]\n    return x"
    ),
    "returns no number": "def square(n):\n    return float('nan')",
    "returns text": "def square(n):\n    return str(n * n)",
    "returns truth": "def square(n):\n    return True if n == -1 else n * n",
    "learns by the order": (
        "seen = []\ndef square(n):\n    seen.append(n)\n    return [4, 9, 1, 99][len(seen) - 1]"
    ),
    "another name": "def squared(n): return n * n",
    "no program": "I would write a loop.",
    "nothing": "",
    "a null byte": RIGHT + "\0",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_wrong(name: str) -> None:
    assert why(HOSTILE[name])


def test_expected_results_are_not_told() -> None:
    assert why("def square(n): return n + 40") == "wrong answer for square(2)"
    assert why("def square(n): return n.x").startswith("square(2) raises AttributeError")
    assert why("def square(n) return").startswith("can't be run: SyntaxError")
    assert why(HOSTILE["never ends"]) == "takes too long"


def test_one_answer_leaves_nothing_to_the_next() -> None:
    marked = "import json, builtins\nbuiltins.mark = 1\ndef square(n): return n * n"
    asks = "def square(n): return mark and n * n"
    assert why(marked) == ""
    assert "NameError" in why(asks)


def test_what_contradicts_itself_can_not_be_passed() -> None:
    tests = [{"args": [1], "result": 1}, {"args": [1], "result": 2}]
    alternating = "seen = []\ndef f(n):\n    seen.append(n)\n    return len(seen)"
    assert JUDGE.wrong(alternating.encode(), "f", tests) == "wrong answer for f(1)"


def test_a_folder_of_runs_is_scored(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    outputs = {"a": RIGHT.encode(), "b": b"def square(n): return 0", "c": None, "d": b"\xff\xfe"}
    for alias, output in outputs.items():
        (runs / alias).mkdir(parents=True)
        case = {"input": {"name": "square"}, "answer": {"tests": TESTS}, "seed": 1}
        (runs / alias / "case.json").write_text(json.dumps(case))
        if output is not None:
            (runs / alias / "output").write_bytes(output)
    (runs / "e").mkdir()
    (runs / "e" / "case.json").write_text(json.dumps(case))
    (runs / "e" / "output").symlink_to(runs / "a" / "output")
    JUDGE.main(str(runs), str(tmp_path / "scores.json"))
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert {alias: one["score"] for alias, one in scores.items()} == {
        "a": 1.0,
        "b": 0.0,
        "c": 0.0,
        "d": 0.0,
        "e": 0.0,
    }
    assert scores["c"]["why"] == scores["e"]["why"] == "no answer"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_is_the_same_as_itself_after_a_journey(value: Any) -> None:
    assert JUDGE.same(json.loads(json.dumps(value)), value)


@given(JSON, JSON)
def test_values_of_two_types_are_never_the_same(one: Any, other: Any) -> None:
    if JUDGE.same(one, other):
        assert isinstance(one, bool) == isinstance(other, bool)
        assert isinstance(one, int | float) == isinstance(other, int | float)
        assert (one is None) == (other is None)


def test_truth_is_no_number_and_nearly_is_enough() -> None:
    assert not JUDGE.same(True, 1)
    assert not JUDGE.same(1, True)
    assert not JUDGE.same("1", 1)
    assert not JUDGE.same(None, 0)
    assert not JUDGE.same([1, 2], [1, 2, 3])
    assert not JUDGE.same({"a": 1}, {"a": 1, "b": 2})
    assert not JUDGE.same(10**400, 1.5)
    assert JUDGE.same(2, 2.0)
    assert JUDGE.same(0.1 + 0.2, 0.3)
