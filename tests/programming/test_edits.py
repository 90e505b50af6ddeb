"""Fenced edits as models write them: read where they are plain, refused where they are not."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.programming.edits import EditError, edited, guesses, read_test_file, uncut
from agents.programming.source import defined, numbered, parsed, parts, with_definitions

SOURCE = '''"""A module."""

from __future__ import annotations

import math


def area(radius):
    # half of it
    return math.pi * radius * radius / 2


class Box:
    side = 2

    def area(self):
        return self.side * self.side

    @property
    def name(self):
        return "box"
'''
FILES = {"lab/shapes.py": SOURCE, "lab/other.py": "def other():\n    return 1\n"}


def change(reply: str, **more: object) -> str:
    options = {"path": "lab/shapes.py", **more}
    return edited(reply, FILES, **options)["lab/shapes.py"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("```python\ndef area(radius):\n    return math.pi * radius**2\n```", "radius**2"),
        ("Sure!\n```\ndef area(radius):\n    return 1.5\n```\nIt was halved.", "return 1.5"),
        ("```python\ndef area(radius):\n    return 2.5", "return 2.5"),
        ("def area(radius):\n    return 3.5", "return 3.5"),
        ("```\n   10 |     return math.pi * radius * radius\n```", "* radius\n\n\nclass"),
        (
            "```\n10 | return math.pi * radius * radius\n```",
            "    return math.pi * radius * radius\n",
        ),
        ("10 |     return 4.5", "    return 4.5\n"),
        ("```\n 8 | def area(radius):\n 9 |     r = 5.5\n10 |     return r\n```", "    r = 5.5\n"),
        (
            "```\n<<<<<<< SEARCH\nradius / 2\n=======\nradius\n>>>>>>> REPLACE\n```",
            "* radius\n\n\nclass",
        ),
        (
            "<<<<<<< SEARCH\nreturn self.side * self.side\n=======\n"
            "return self.side ** 2\n>>>>>>> REPLACE",
            "        return self.side ** 2\n",
        ),
        (
            "The wrong line is:\n```python\nreturn self.side * self.side\n```\nIt should be:\n"
            "```python\nside = abs(self.side)\nreturn side ** 2\n```",
            "        side = abs(self.side)\n        return side ** 2\n",
        ),
        ("```python\nclass Box:\n    def name(self):\n        return 'new'\n```", "side = 2"),
        ("```python\nimport os\n\ndef area(radius):\n    return os.sep\n```", "import os\n"),
    ],
)
def test_what_models_write_is_applied(reply: str, found: str) -> None:
    text = change(reply)
    assert found in text
    assert text.startswith('"""A module."""\n\nfrom __future__')
    assert parsed(text) is not None


REPLIES = [
    "```python\nimport os\n\n\ndef area(radius):\n    return os.sep\n```",
    "```\n   10 |     return os.sep\n```",
    "<<<<<<< SEARCH\n    return math.pi * radius * radius / 2\n=======\n    return os.sep\n"
    ">>>>>>> REPLACE",
    "```\nreturn math.pi * radius * radius / 2\n```\nIt should be:\n```\nreturn os.sep\n```\n",
]
"""One in each form."""


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("reply", REPLIES)
def test_line_breaks_and_a_mark_at_the_beginning_stay(reply: str, mark: str) -> None:
    text = mark + SOURCE.replace("\n", "\r\n")
    made = edited(reply, {"lab/shapes.py": text}, path="lab/shapes.py", wanted="area")
    after = made["lab/shapes.py"]
    assert after.startswith(mark + '"""A module."""\r\n')
    assert after.count("\n") == after.count("\r\n")
    assert after.replace("\r\n", "\n").removeprefix(mark) == change(reply, wanted="area")


@pytest.mark.parametrize(
    "reply", [*REPLIES, "```python\ndef area(radius):\n    return 1.5\n```\nSo."]
)
@pytest.mark.parametrize("file", [SOURCE, SOURCE.replace("\n", "\r\n")])
def test_a_reply_may_end_its_lines_in_crlf(reply: str, file: str) -> None:
    files, ended = {"lab/shapes.py": file}, reply.replace("\n", "\r\n")
    made = edited(reply, files, path="lab/shapes.py", wanted="area")
    assert edited(ended, files, path="lab/shapes.py", wanted="area") == made
    assert guesses(ended, 2) == guesses(reply, 2)


def test_other_readings_of_a_reply_that_ends_its_lines_in_crlf() -> None:
    whole = "```python\ndef test_a():\n    assert False\n```\nSo it fails.\n"
    cut = "```python\ndef a():\n    return 1\n\n\ndef b():\n    return"
    assert read_test_file(whole.replace("\n", "\r\n")) == read_test_file(whole)
    assert uncut(cut.replace("\n", "\r\n")) == uncut(cut) != ""


@pytest.mark.parametrize("inside", ["\x0c", "\u2028", "\x1c", "\x85"])
def test_lines_are_numbered_as_they_are_exchanged(inside: str) -> None:
    """Where a text is broken for `splitlines` alone."""
    text = f"def twice(a):\n    mark = '{inside}'\n    b = a + 1\n    return b * 2\n"
    [part] = parts("a.py", text)
    shown = numbered(part.text, part.first).split("\n")
    assert shown[-1] == "   4 |     return b * 2"
    for lines in (shown[-1:], shown[1:]):
        reply = "```\n" + "\n".join(lines).replace("b * 2", "b * 3") + "\n```"
        assert edited(reply, {"a.py": text}, path="a.py") == {"a.py": text.replace("* 2", "* 3")}
    assert numbered(text.replace("\n", "\r\n")) == numbered(text)
    method = "class Twice:\n" + "".join(f"    {line}\n" for line in text[:-1].split("\n"))
    whole = f"```python\n{text.replace('* 2', '* 3')}```"
    made = edited(whole, {"a.py": method}, path="a.py", wanted="Twice.twice")
    assert made == {"a.py": method.replace("* 2", "* 3")}


def test_the_first_lines_of_a_function_by_their_numbers_are_not_all_of_it() -> None:
    first = change("```\n 8 | def area(radius):\n 9 |     radius = abs(radius)\n```")
    assert "def area(radius):\n    radius = abs(radius)\n    return math.pi *" in first
    shorter = change("```\n 8 | def area(radius):\n 9 |     return radius\n```")
    assert "def area(radius):\n    return radius\n\n\nclass" in shorter
    both = "```\n 8 | def area(radius):\n 9 |     r = 1\n```\n```\ndef other():\n    return 7\n```"
    assert "return 7" in edited(both, FILES, path="lab/shapes.py")["lab/other.py"]


def test_of_two_of_a_name_the_wanted_one_is_meant() -> None:
    reply = "```python\ndef area(self):\n    return 9\n```"
    assert "    def area(self):\n        return 9\n" in change(reply, wanted="Box.area")
    assert "def area(self):\n    return 9\n" in change(reply, wanted="area")
    assert "    def area(self):\n        return 9\n" in change(reply)
    function = "```python\ndef area(radius):\n    return 9\n```"
    assert "\n\ndef area(radius):\n    return 9\n" in change(function)


def test_a_definition_that_stands_in_another_file_goes_there() -> None:
    reply = "```python\ndef other():\n    return 2\n```"
    assert edited(reply, FILES, path="lab/shapes.py") == {
        "lab/other.py": "def other():\n    return 2\n"
    }


def test_new_functions_only_where_they_are_asked_for() -> None:
    reply = "```python\ndef volume(side):\n    return side**3\n\n\ndef test_it():\n    pass\n```"
    with pytest.raises(EditError, match="volume"):
        change(reply)
    text = change(reply, new=True)
    assert text.endswith("def volume(side):\n    return side**3\n")
    assert "test_it" not in text


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ("I don't know.", "no valid Python"),
        ("```python\nx = 1\n```", "no code block with a whole function"),
        ("```python\ndef area(radius:\n```", "no valid Python"),
        ("```\n99 |     return 1\n```", "has no line 99"),
        ("```\n10 |     return (\n```", "no valid Python"),
        (f"```python\n{SOURCE}\n```", "changes nothing"),
        ("<<<<<<< SEARCH\n\n=======\nx\n>>>>>>> REPLACE", "SEARCH is empty"),
        ("<<<<<<< SEARCH\nreturn 77\n=======\nx\n>>>>>>> REPLACE", "in no file"),
        ("x" * 100_001, "longer than"),
    ],
)
def test_what_can_not_be_applied_is_told(reply: str, told: str) -> None:
    with pytest.raises(EditError, match=told):
        change(reply)


LINES = st.sampled_from(
    [
        *SOURCE.splitlines(),
        "```",
        "```python",
        "~~~",
        "<<<<<<< SEARCH",
        "=======",
        ">>>>>>> REPLACE",
        "  10 |     return 1",
        "def area(radius):",
        "    return radius",
        "class Box:",
        "\x00",
        "\u2028",
        "\t\x0c",
    ]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=40)), max_size=25))
def test_any_reply_gives_python_or_an_account(lines: list[str]) -> None:
    try:
        changed = edited("\n".join(lines), FILES, path="lab/shapes.py", wanted="area", new=True)
    except EditError:
        return
    assert changed
    for path, text in changed.items():
        assert path in FILES
        assert text != FILES[path]
        ast.parse(text)


@given(st.lists(st.one_of(LINES, st.text(max_size=40)), max_size=25))
def test_any_reply_is_a_test_file_or_an_account(lines: list[str]) -> None:
    try:
        text = read_test_file("\n".join(lines))
    except EditError:
        return
    assert any(name.startswith(("test_", "Test")) for name in defined(text))


@given(
    st.integers(0, 4),
    st.integers(0, 4),
    st.text(alphabet="abc \t\n#", max_size=30),
)
def test_all_but_the_function_stays(before: int, after: int, comment: str) -> None:
    """Whatever stands around it, a function is exchanged and nothing else."""
    head = "".join(f"def a{n}():\n    return {n}\n\n\n" for n in range(before))
    note = "".join(f"# {line.strip()}\n" for line in comment.splitlines())
    tail = "".join(f"\n\ndef z{n}():\n    return {n}\n" for n in range(after))
    text = f"{head}{note}def f(x):\n    return x\n{tail}"
    new = with_definitions(text, "def f(x):\n    return x + 1\n")
    assert new == f"{head}{note}def f(x):\n    return x + 1\n{tail}"


def test_of_a_reply_that_was_cut_off_the_whole_definitions_are_taken() -> None:
    area = "def area(radius):\n    return math.pi * radius * radius\n"
    cut = f"Here:\n```python\nimport math\n\n\n{area}\n\nclass Box:\n    side = [2,"
    assert uncut(cut) == f"Here:\n```python\nimport math\n\n\n{area}```\n".replace(
        "\n\n```", "\n```"
    )
    assert "return math.pi * radius * radius\n\n" in edited(uncut(cut), {"a.py": SOURCE})["a.py"]


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("", ""),
        ("It may be that", ""),
        ("```python\ndef area(radius):\n    half = radius", ""),
        ("```python\nclass A:\n    def f(self):\n        return 1\n\n    def g(self):\n        re",
         "```python\nclass A:\n    def f(self):\n        return 1\n```\n"),
        ("```\n3 | x = 1\n```\nor\n```\n4 | y", "```\n3 | x = 1\n```\nor\n"),
        ("```\n3 | x = 1\n```\nbecause it", "```\n3 | x = 1\n```"),
    ],
)  # fmt: skip
def test_what_is_cut_off_is_left_out(reply: str, left: str) -> None:
    assert uncut(reply) == left


def test_guesses_are_blocks_and_pairs_that_quote_and_correct() -> None:
    quoted = "```\nreturn radius\n```\nbetter:\n```\nreturn 2 * radius\n```\n"
    numbered = "```\n10 | return 2\n```\n"
    function = "```python\ndef area(radius):\n    return 2\n```\n"
    for reply, count in ((quoted, 1), (numbered * 2 + quoted, 2), (function + quoted, 2)):
        found = guesses(reply, 3)
        assert len(found) == count
        assert "better" not in found[-1]
        assert found[-1].count("```") == 4
    assert len(guesses(quoted, 1)) == 1
    assert guesses(quoted, 1)[0].count("```") == 2
    assert guesses("no code", 3) == ("no code",)


@pytest.mark.parametrize("old", ["return nothing of the kind", "", "radius", "import math\nmath"])
def test_lines_that_are_not_there_are_not_exchanged(old: str) -> None:
    with pytest.raises(EditError):
        change(f"```\n{old}\n```\n```\nreturn 3\n```")
