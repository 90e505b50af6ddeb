"""What is found after a change: the same pattern elsewhere, and what was left undone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import assert_proportionate
from tests.tools.programming.conftest import Assign
from tools.programming.alike import alike, removed_lines, shape_of
from tools.programming.editing import ReplaceText, WriteFile, replace_text, write_file
from tools.programming.leftovers import left_over
from tools.programming.looking_back import FindAlike, LeftBehind, find_alike, left_behind
from tools.toolbox import Workbench


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("loss = out.mean(axis=0)", "    err = diff.mean(axis=0)  # all", True),
        ("loss = out.mean(axis=0)", "loss = out.mean(axis=1)", False),
        ("loss = out.mean(axis=0)", "loss = out.sum(axis=0)", False),
        ("return rows[:cut], rows[:cut]", "return items[:n], items[:n]", True),
        ("return rows[:cut], rows[:cut]", "return rows[:cut], rows[cut:]", False),
        ("for i in range(len(x) - 1):", "for step in range(len(batches) - 1):", True),
        ("rng.shuffle(order", "r.shuffle(indices", False),  # too little to tell
    ],
)
def test_what_makes_lines_alike(one: str, other: str, same: bool) -> None:
    shapes = shape_of(one), shape_of(other)
    assert (shapes[0] is not None and shapes[0] == shapes[1]) is same


@pytest.mark.parametrize("line", ["import os", "x = 1", "pass", "", "# words", "else:", "return x"])
def test_lines_that_say_too_little_have_no_shape(line: str) -> None:
    assert shape_of(line) is None


@given(st.text(max_size=80))
def test_wild_lines_have_a_shape_or_none(line: str) -> None:
    shape = shape_of(line)
    assert shape is None or len(shape) >= 5


BEFORE = "def a(x):\n    return x.mean(axis=0) / len(x)\n\ndef b(y):\n    return 2\n"
AFTER = BEFORE.replace("axis=0", "axis=1")


def test_other_places_are_found_in_all_files() -> None:
    files = {
        "a.py": AFTER,
        "b.py": "z = 1\nvalue = other.mean(axis=0) / len(other)\nreturn q.mean(axis=0) / len(q)\n",
        "c.py": "return q.mean(axis=1) / len(q)\n",
    }
    [place] = alike({"a.py": BEFORE}, {"a.py": AFTER}, files.items())
    assert str(place) == "b.py:3 return q.mean(axis=0) / len(q)"
    assert place.like == "a.py:2 return x.mean(axis=0) / len(x)"


def test_a_line_that_was_only_renamed_is_no_pattern() -> None:
    before = "value = load(path, rows[0])\n"
    after = "value = load(other, rows[0])\n"
    assert alike({"a": before}, {"a": after}, [("b", "x = load(y, z[0])\n")]) == []


def test_moved_lines_are_not_removed() -> None:
    assert removed_lines("a\nb\nc\n", "b\nc\na\n") == []
    assert removed_lines("a\nb\n", "a\nc\n") == [(2, "b")]


def test_a_file_of_one_line_repeated_costs_no_more_than_its_length() -> None:
    def search(before: str) -> None:
        alike({"a": before}, {"a": before[:-15] + "y\n"}, [("b", before)])

    assert_proportionate(search, lambda lines: "x = f(a[0], 1)\n" * lines, 20_000)


def found(before: dict[str, str], after: dict[str, str], asked: str = "") -> list[str]:
    return [
        f"{leftover}{'' if leftover.certain else ' ?'}"
        for leftover in left_over(before, after, asked)
    ]


def test_what_a_change_leaves_undone_is_found() -> None:
    new = (
        "# TODO: the rest\n"
        "def a():\n    pass\n"
        "def b():\n    raise NotImplementedError\n"
        "def c():\n    '''Words.'''\n    ...\n"
        "def d():\n    # your code here\n    return 1\n"
        "# ... existing code ...\n"
        "breakpoint()\n"
        "print('DEBUG', 1)\n"
        "<<<<<<< HEAD\n"
    )
    said = found({}, {"x.py": new.replace("<<<<<<< HEAD\n", "")})
    assert said == [
        "x.py:1 a TODO: # TODO: the rest",
        "x.py:3 a does nothing: pass ?",
        "x.py:5 not implemented: raise NotImplementedError",
        "x.py:8 c does nothing: ... ?",
        "x.py:10 a stand-in for code: # your code here",
        "x.py:12 a stand-in for code: # ... existing code ...",
        "x.py:13 left from debugging: breakpoint()",
        "x.py:14 left from debugging: print('DEBUG', 1)",
    ]
    assert "x.py:15 a mark of a merge conflict: <<<<<<< HEAD" in found({}, {"x.py": new})


COMMENTS = {
    "# the input stays unchanged": "",
    "# unchanged": "certain",
    "# ... rest of code unchanged": "certain",
    "# ... rest of the function stays as it is": "certain",
    "# Rest of the file stays unchanged.": "certain",
    "# ...": "certain",
    "# … existing code …": "certain",
    "// ... unchanged ...": "certain",
    '"""Placeholder."""': "certain",
    "# Not implemented yet": "certain",
    "# to be implemented later": "certain",
    "# implement this": "certain",
    "# put your code here, please": "certain",
    "# the classes that implement this are below": "doubtful",
    "# the embedding of the placeholder token": "doubtful",
    "# fails where a mode is not implemented": "doubtful",
    "# all other methods are unchanged": "doubtful",
    "# ... and then the mean of both": "doubtful",
    "# the rest is averaged": "",
}


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_stands_for_code_where_it_says_nothing_else(comment: str) -> None:
    kinds = [left.certain for left in left_over({}, {"x.py": f"{comment}\nx = 1\n"})]
    assert kinds == {"": [], "certain": [True], "doubtful": [False]}[COMMENTS[comment]]


DOES = "def schedule(step):\n    return step / 10\n"
STUBS = ("    pass\n", "    ...\n", "    raise NotImplementedError\n",
         "    raise NotImplementedError('later')\n", "    '''Words.'''\n",
         "    step = step + 1\n    raise NotImplementedError(step)\n")  # fmt: skip


@pytest.mark.parametrize("body", STUBS)
@pytest.mark.parametrize(
    ("name", "before", "asked"),
    [
        ("schedule", DOES, ""),
        ("schedule", "", "The schedule of the paper is missing."),
        ("cosine_schedule", "", "Implement the cosine schedule."),
        ("CosineSchedule", "", "Implement `cosine_schedule`."),
    ],
)
def test_a_stub_of_what_did_something_or_is_asked_for_is_certain(
    name: str, before: str, asked: str, body: str
) -> None:
    files = {"x.py": before} if before else {}
    after = f"def {name}(step):\n{body}"
    assert [left.certain for left in left_over(files, {"x.py": after}, asked)] == [True]
    inner = "class A:\n" + "".join(f"    {line}\n" for line in after.splitlines())
    if asked:
        assert [left.certain for left in left_over({}, {"x.py": inner}, asked)] == [True]


def test_a_function_that_lost_all_it_did_is_certain() -> None:
    before = "class A:\n    def f(self):\n        '''Words.'''\n        return 1\n"
    after = before.replace("        return 1\n", "")
    assert found({"x.py": before}, {"x.py": after}) == ["x.py:3 f does nothing: '''Words.'''"]
    assert found({"x.py": after}, {"x.py": after + "x = 1\n"}) == []
    assert found({"x.py": "x\rdef f():\r    return 1"}, {"x.py": "x\rdef f():\r    pass"}) == []


def test_a_mark_on_the_line_of_an_empty_function_is_certain() -> None:
    text = "def on_end():\n    pass  # TODO\n\n\ndef f(x):\n    return x\n"
    text += "    raise NotImplementedError(x)  # FIXME\n"
    assert found({}, {"x.py": text}) == [
        "x.py:2 a TODO: pass  # TODO",
        "x.py:7 a FIXME: raise NotImplementedError(x)  # FIXME",
    ]


@pytest.mark.parametrize("piece", ["rest ", " ", ". ", "existing "])
def test_a_long_comment_costs_no_more_than_its_length(piece: str) -> None:
    def search(line: str) -> None:
        left_over({}, {"x.txt": line})

    assert_proportionate(search, lambda times: f"#{piece * times}x", 20_000)


HONEST = {
    "a hook that does nothing": "class Quiet(Hook):\n    def on_end(self):\n        pass\n",
    "an unsupported branch": (
        "def reduce(x, mode):\n    if mode == 'mean':\n        return x.mean()\n"
        "    raise NotImplementedError(mode)\n"
    ),
    "a check": (
        "def check(mode):\n    if mode != 'mean':\n        raise NotImplementedError(mode)\n"
    ),
    "a base class": "class A:\n    def f(self):\n        raise NotImplementedError('subclass')\n",
}


@pytest.mark.parametrize("what", HONEST)
def test_what_may_be_meant_so_is_doubtful_at_most(what: str) -> None:
    asked = "Call the hooks, reduce by the mean, check the mode. The end of a run is not seen."
    kinds = [left.certain for left in left_over({}, {"x.py": HONEST[what]}, asked)]
    assert kinds == [False]


def test_what_stood_there_before_is_not_its_doing() -> None:
    before = "# TODO: old\ndef a():\n    pass\nx = 1\n"
    assert found({"x.py": before}, {"x.py": before.replace("x = 1", "x = 2")}) == []
    assert found({"x.py": before}, {"x.py": before + "# FIXME\n"}) == ["x.py:5 a FIXME: # FIXME"]


OLD = "def cut(rows):\n    return rows[:3], rows[:3]  # TODO: stratify\n"


@pytest.mark.parametrize(
    "after",
    [
        OLD.replace("rows[:3]  #", "rows[3:]  #"),
        f"def other():\n    return 1\n\n\n{OLD.replace('cut', 'halves')}",
    ],
)
def test_a_mark_on_a_line_that_changed_or_moved_is_not_its_doing(after: str) -> None:
    assert left_over({"x.py": OLD}, {"x.py": after}) == []
    assert left_over({"a.py": OLD, "b.py": "x = 1\n"}, {"a.py": "", "b.py": after}) == []
    for more in ("# TODO: stratify\n", "# TODO: more\n"):
        (found,) = left_over({"x.py": OLD}, {"x.py": after + more})
        assert found.certain
        assert found.text.endswith(more.strip())


@pytest.mark.parametrize(
    ("path", "text", "certain"),
    [
        ("x.py", "drafts = [t for t in titles if not t.startswith('WIP')]\n", False),
        ("x.py", "TODO = []\n", False),
        ("x.py", 'def f():\n    """Splits.\n\n    TODO: stratify\n    """\n    return 1\n', True),
        ("x.py", "x = 1  # XXX\n", True),
        ("x.py", "x = (  # HACK\n", True),
        ("x.yaml", "labels: [TODO, done]\n", False),
        ("x.yaml", "# TODO: labels\n", True),
        ("x.js", "f();  // FIXME\n", True),
    ],
)
def test_a_mark_is_certain_in_a_comment_alone(path: str, text: str, certain: bool) -> None:
    (found,) = left_over({}, {path: text})
    assert found.certain is certain


def test_declarations_and_plain_code_are_done() -> None:
    text = (
        "from abc import ABC, abstractmethod\n"
        "class P(Protocol):\n    def f(self) -> int: ...\n"
        "class A(ABC):\n    @abstractmethod\n    def g(self):\n        raise NotImplementedError\n"
        "@overload\ndef h(x: int) -> int: ...\n"
        "try:\n    x = 1\nexcept ValueError:\n    pass\n"
        "class E(Exception):\n    pass\n"
        "print('epoch', 1)\n"
        "todo_list = ['a placeholder']\n"
    )
    assert found({}, {"x.py": text}) == []


@given(st.text(max_size=120), st.text(max_size=120))
def test_wild_texts_are_looked_through(before: str, after: str) -> None:
    for leftover in left_over({"x.py": before}, {"x.py": after}):
        assert 1 <= leftover.line <= after.count("\n") + 1


@pytest.mark.parametrize(
    "text", ["(" * 5000, "-" * 100_000 + "1", "a" + ".b" * 100_000, "[" * 300 + "]" * 300, "a\0b"]
)
def test_texts_that_are_hard_to_parse_end_nothing(text: str) -> None:
    assert left_over({}, {"x.py": text}) == []


@pytest.mark.engine
def test_the_tools_look_at_the_change(bench: Workbench, assign: Assign) -> None:
    assigned = assign()
    nothing = find_alike.run(FindAlike(), assigned, bench)
    assert nothing.places == ()
    assert "No other line" in nothing.text
    twin = "def again(table, part):\n    c = 2\n    return table[:c], table[:c]\n"
    write_file.run(WriteFile(path="new/twin.py", text=twin + "# TODO\n"), assigned, bench)
    replace_text.run(
        ReplaceText(path="lab/split.py", old="cut], rows[:cut]", new="cut], rows[cut:]"),
        assigned, bench,
    )  # fmt: skip
    told = find_alike.run(FindAlike(), assigned, bench)
    assert told.places == ("new/twin.py:3 return table[:c], table[:c]",)
    assert "like what you took out: lab/split.py:4 return rows[:cut], rows[:cut]" in told.text
    assert find_alike.run(FindAlike(path="lab"), assigned, bench).places == ()
    assert left_behind.run(LeftBehind(), assigned, bench).places == (
        "new/twin.py:4 a TODO: # TODO",
    )
    assert left_behind.run(LeftBehind(path="lab"), assigned, bench).text.startswith("Nothing")
    hook = "def on_end():\n    pass\n"
    write_file.run(WriteFile(path="new/hook.py", text=hook), assigned, bench)
    left = left_behind.run(LeftBehind(path="new/hook.py"), assigned, bench)
    assert left.places == ()
    assert left.doubtful == ("new/hook.py:2 on_end does nothing: pass",)
    assert "(perhaps meant so)" in left.text
