"""Deep texts end in a sentence, never in the process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agents.evolution.syntax import compile_trouble, read, shape, trouble

DEEP: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "x = " + "(" * n + "1" + ")" * n,
    "lists": lambda n: "x = " + "[" * n + "]" * n,
    "plus": lambda n: "x = " + "1+" * n + "1",
    "minus": lambda n: "x = " + "-" * n + "1",
    "power": lambda n: "x = " + "2**" * n + "1",
    "elif": lambda n: "if a:\n    b\n" + "elif a:\n    b\n" * n,
    "else": lambda n: "x = " + "1 if a else " * n + "1",
    "lambda": lambda n: "x = " + "lambda:" * n + "1",
    "dots": lambda n: "x = a" + ".b" * n,
    "calls": lambda n: "x = a" + "()" * n,
    "indexes": lambda n: "x = a" + "[0]" * n,
    "not": lambda n: "x = " + "not " * n + "1",
    "blocks": lambda n: "".join(" " * i + "if a:\n" for i in range(n)) + " " * n + "b\n",
    "field": lambda n: 'x = f"{' + "(" * n + "1" + ")" * n + '}"',
    "assigned": lambda n: "x = " * n + "1",
    "compared": lambda n: "x = " + "1<" * n + "1",
    "comprehension": lambda n: "x = [1 " + "for a in b " * n + "]",
    "decorators": lambda n: "@a\n" * n + "def f(): pass\n",
    "strings": lambda n: "x = " + "'a' " * n,
    "semicolons": lambda n: "x=1;" * n,
    "with": lambda n: "with " + "a, " * n + "b: pass\n",
    "annotations": lambda n: "x: " + "a|" * n + "b = 1\n",
    "stars": lambda n: "x = " + "*" * n + "a",
    "await": lambda n: "async def f():\n    " + "await " * n + "a\n",
}


def test_depth_is_bounded_before_any_parser() -> None:
    """In a process of its own: what this guards against ends it, after the last kind it told."""
    program = (
        "from tests.agents.evolution.test_syntax import DEEP;"
        "from agents.evolution.syntax import *; from agents.evolution.constants import constants\n"
        "for kind, deep in DEEP.items():\n"
        "    for n in (30, 100, 190, 1000, 4000):\n"
        "        text = deep(n); read(text); compile_trouble(text); shape(text)\n"
        "        constants(text)\n"
        "    print(kind, flush=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.stdout.split() == list(DEEP), done.stderr[-500:]


def test_plain_programs_are_read() -> None:
    table = "TABLE = [" + ", ".join(f"({n}, {n} + 1)" for n in range(2_000)) + "]\n"
    for text in (table, "f(a.b(c).d[0](1, 2), *x, **y)\n", "x = 1\n" * 3_000):
        assert trouble(text) == ""
        assert read(text) is not None
        assert compile_trouble(text) == ""


def test_what_does_not_compile_is_told_with_its_line() -> None:
    assert compile_trouble("x = 1\nreturn x\n") == "line 2: 'return' outside function"


def test_a_shape_is_the_programs_and_not_its_spelling() -> None:
    plain = shape("def f(x):\n    return x + 1\n")
    assert plain == shape('# says\ndef f( x ):\n    """Doc."""\n    return (x+1)  # one\n')
    assert plain != shape("def f(x):\n    return x + 2\n")
    documented = 'def f(x):\n    """Doc."""\n    return f.__doc__\n'
    assert shape(documented) != shape(documented.replace("Doc.", "Other."))
