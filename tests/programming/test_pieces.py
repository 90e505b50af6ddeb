"""A change in pieces: any of them apply, and the search ends with those that are needed."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.programming.pieces import account, minimal, pieces, stands, together
from agents.programming.source import statements

LINES = st.sampled_from(
    ["a = 1\n", "b = 2\n", "\n", "# so\n", "if a:\n", "    c = [\n", "        3]\n", "'''\n", "x"]
)
TEXTS = st.lists(LINES, max_size=12).map("".join)
FILES = st.dictionaries(st.sampled_from(["a.py", "b.py", "tests/test_a.py"]), TEXTS)


@given(FILES, FILES, st.data())
def test_any_of_them_apply(
    before: dict[str, str], changed: dict[str, str], data: st.DataObject
) -> None:
    after = {**before, **changed}
    found = pieces(before, after)
    assert together(before, found) == {p: t for p, t in after.items() if before.get(p) != t}
    assert together(before, ()) == {}
    some = data.draw(st.lists(st.sampled_from(found), unique=True)) if found else []
    part = together(before, some)
    assert part == together(before, reversed(some))
    assert part.keys() <= {piece.path for piece in some}
    assert all(piece.old != piece.new or piece.path not in before for piece in found)


@given(TEXTS)
def test_statements_joined_are_the_text(text: str) -> None:
    assert "".join(statements(text)) == text


def test_a_statement_is_not_cut() -> None:
    text = (
        "@wraps(\n    f)\ndef g(\n    a,\n):\n    # why\n    return [\n        a,\n    ]\n\n\n"
        "try:\n    x = '''\nnot = cut\n'''\n"
        "except (\n    A,\n    B,\n):\n    pass\nelse:\n    x = 1\n"
    )
    assert statements(text) == (
        "@wraps(\n    f)\ndef g(\n    a,\n):\n    # why\n",
        "    return [\n        a,\n    ]\n",
        "\n",
        "\n",
        "try:\n",
        "    x = '''\nnot = cut\n'''\n",
        "except (\n    A,\n    B,\n):\n",
        "    pass\n",
        "else:\n",
        "    x = 1\n",
    )


BEFORE = {
    "bm25.py": (
        "import math\n\n\ndef idf(n, df):\n    top = n - df\n    low = df\n"
        "    k = (top\n         + 1)\n"
        "    return math.log(top / low)\n"
    )
}
AFTER = {
    "bm25.py": (
        "import math\n\n\ndef idf(n, df):\n    top = n + df\n    low = df + 1\n    k = (top\n"
        "         + 2)\n    return math.log(top / low)\n\n\ndef more():\n    return 1\n"
    )
}


def test_statements_side_by_side_are_pieces_and_what_is_added_is_one() -> None:
    found = pieces(BEFORE, AFTER)
    assert [(piece.line, piece.old, piece.new) for piece in found] == [
        (5, "    top = n - df\n", "    top = n + df\n"),
        (6, "    low = df\n", "    low = df + 1\n"),
        (7, "    k = (top\n         + 1)\n", "    k = (top\n         + 2)\n"),
        (10, "", "\n\ndef more():\n    return 1\n"),
    ]
    assert "low = df + 1" in together(BEFORE, found[1:2])["bm25.py"]
    assert "n + df" not in together(BEFORE, found[1:2])["bm25.py"]
    assert account(found[2:], 12) == (
        "Taken out of bm25.py:7, all tests pass without it: k = (top + 2 …",
        "Taken out of bm25.py:10, all tests pass without it: def more(): …",
    )
    (blank,) = pieces({"a.py": "x = 1\n"}, {"a.py": "\nx = 1\n"})
    assert account([blank], 40)[0].endswith(": blank lines")
    (gone,) = pieces({"a.py": "x = 1\ny = 2\n"}, {"a.py": "x = 1\n"})
    assert account([gone], 40) == ("Taken out of a.py:2, all tests pass without it: without y = 2",)


def test_a_statement_is_paired_with_the_one_that_it_is_like() -> None:
    before = (
        'def f(rows):\n    """All."""\n    cut = int(rows)\n    return rows[:cut], rows[:cut]\n'
    )
    after = "def f(rows):\n    cut = floor(rows)\n    return rows[:cut], rows[cut:]\n    # end\n"
    assert [
        (piece.old.strip(), piece.new.strip()) for piece in pieces({"a": before}, {"a": after})
    ] == [
        ('"""All."""', ""),
        ("cut = int(rows)", "cut = floor(rows)"),
        ("return rows[:cut], rows[:cut]", "return rows[:cut], rows[cut:]"),
        ("", "# end"),
    ]


@pytest.mark.parametrize(
    ("part", "worth"),
    [
        ("import math\n\n\ndef f(x):\n    if x:\n        return math.nan\n    return 2\n", True),
        ("def f(x):\n    if x:\n        return math.nan\n    return 2\n", False),  # no import
        ("def f(x):\n    if x:\n        return g(x)\n    return 2\n", True),  # unknown to both
        ("import math\n\n\ndef f(x):\n        if x:\n    return 2\n", False),  # no Python
        ("import math\n", False),  # no function
    ],
)
def test_only_what_stands_by_itself_is_worth_a_run(part: str, worth: bool) -> None:
    before = {"a.py": "def f(x):\n    return 1\n"}
    whole = {
        "a.py": "import math\n\n\ndef f(x):\n    if x:\n        return math.nan\n    return 2\n"
    }
    assert stands(before, whole, {"a.py": part}) == worth


def test_a_name_of_another_file_is_missed_too() -> None:
    before = {"a.py": "class A:\n    pass\n", "b.py": "def f(a):\n    return 1\n"}
    whole = {
        "a.py": "class A:\n    def size(self):\n        return 3\n",
        "b.py": "def f(a):\n    return a.size() if a else 0\n",
    }
    assert stands(before, whole, {"a.py": whole["a.py"]})
    assert not stands(before, whole, {"b.py": whole["b.py"]})


@given(st.integers(1, 12), st.data())
def test_the_search_ends_with_what_is_needed(count: int, data: st.DataObject) -> None:
    """Whatever else must go along with a piece: with one fewer of them not all is well."""
    everything = frozenset(range(count))
    needed = data.draw(st.frozensets(st.sampled_from(sorted(everything)), min_size=1))
    either = data.draw(st.frozensets(st.sampled_from(sorted(everything)), min_size=1))

    def well(part: frozenset[int]) -> bool:
        return needed <= part and (bool(either & part) or len(part) % 3 == 0)

    if not well(everything):
        return
    kept, tried = everything, list[frozenset[int]]()
    search = minimal(count)
    try:
        part = next(search)
        while True:
            tried.append(part)
            came = well(part)
            kept = part if came else kept
            part = search.send(came)
    except StopIteration:
        pass
    assert well(kept)
    assert all(tried)
    assert len(tried) == len(set(tried))
    assert not any(well(frozenset(fewer)) for fewer in combinations(kept, len(kept) - 1) if fewer)


def test_one_piece_needs_no_try() -> None:
    assert list(minimal(1)) == []
    assert list(minimal(0)) == []
