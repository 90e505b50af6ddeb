"""What failing tests tell, and where the fault is looked for."""

from hypothesis import given
from hypothesis import strategies as st

from agents.programming.failures import (
    account,
    failing,
    frames,
    lacking,
    sources_of_tests,
)
from agents.programming.places import in_order, ranked
from labcrew.domain.testing import TestReport as Report

TAIL = """\
=================================== FAILURES ===================================
_________________________________ test_halves __________________________________

    def test_halves():
>       assert total([1, 2]) == 3

tests/test_sums.py:5:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def total(values):
>       return add(values)
E       TypeError: add() missing 1 required positional argument: 'b' at 0x7f00

lab/sums.py:9: TypeError
=========================== short test summary info ============================
FAILED tests/test_sums.py::test_halves - TypeError
1 failed, 1 passed in 0.12s
"""
SUMS = """def add(a, b):
    return a + b


def mean(values):
    return total(values) / len(values)

def total(values):
    return add(values)
"""
OTHER = "def aaa():\n    return 'first by name'\n"
TEST = "from lab.sums import total\n\n\ndef test_halves():\n    assert total([1, 2]) == 3\n"
REPORT = Report(
    outcomes={"tests/test_sums.py::test_halves": "failed", "tests/test_sums.py::test_b": "passed"},
    exit_code=1,
    tail=TAIL,
)


def test_an_account_holds_the_test_the_line_and_the_error() -> None:
    told = account(REPORT, 2000)
    assert "test_halves" in told
    assert ">       return add(values)" in told
    assert "TypeError: add() missing" in told
    assert "short test summary" not in told
    assert len(account(REPORT, 100)) <= 100


def test_what_did_not_pass() -> None:
    names = ("tests/test_sums.py::test_halves", "tests/test_sums.py::test_b", "tests/gone.py")
    assert failing(REPORT, names) == (names[0], names[2])


def test_two_runs_that_fail_alike_have_one_signature() -> None:
    later = REPORT.model_copy(update={"tail": TAIL.replace("0x7f00", "0x7fff")})
    other = REPORT.model_copy(update={"tail": TAIL.replace("TypeError: add", "ValueError: add")})
    assert REPORT.signature(("a",)) == later.signature(("a",)) != other.signature(("a",))


def test_the_function_that_the_traceback_ends_in_comes_first() -> None:
    assert frames(REPORT) == (("tests/test_sums.py", 5), ("lab/sums.py", 9))
    files = {"lab/aaa.py": OTHER, "lab/sums.py": SUMS}
    tests = sources_of_tests(("tests/test_sums.py::test_halves",), {"tests/test_sums.py": TEST})
    assert [test.name for test in tests] == ["test_halves"]
    assert [p.name for p in ranked(files, "", tests, frames(REPORT))][:2] == ["total", "add"]
    assert [p.name for p in ranked(files, "", tests)][:2] == ["total", "add"]
    assert ranked(files, "The mean of values is wrong")[0].name == "mean"
    assert in_order(files)[0].name == "aaa"


def test_what_the_tests_do_not_find() -> None:
    def report(tail: str) -> Report:
        return Report(outcomes={}, exit_code=2, tail=tail)

    files = ("lab/sums.py", "src/core/__init__.py")
    name = "E   ImportError: cannot import name 'cube' from 'lab.sums' (/workspace/lab/sums.py)"
    assert lacking(report(name), files) == "lab/sums.py"
    assert lacking(report("E   No module named 'lab.cubes'"), files) == "lab/cubes.py"
    assert lacking(report("module 'lab.sums' has no attribute 'x'"), files) == "lab/sums.py"
    assert lacking(REPORT, files) == ""


@given(st.text(max_size=400), st.integers(10, 300))
def test_any_output_is_told_within_bounds(tail: str, characters: int) -> None:
    report = Report(outcomes={}, exit_code=1, tail=tail)
    assert len(account(report, characters)) <= max(characters, 60)
    report.signature(())
    for path, line in frames(report):
        assert path
        assert line >= 0


def test_the_class_that_the_question_names_comes_before_its_siblings() -> None:
    text = "class Ranker:\n    def scores(self, query):\n        return query\n\n\n"
    files = {"rank.py": text.replace("Ranker", "BM25") + text.replace("Ranker", "BM25L")}
    tests = in_order({"t.py": "def test_it():\n    RANKER.scores(['cat'])\n"})
    first, *_ = ranked(files, "BM25L lets a repeated word count without bound", tests)
    assert first.name == "BM25L.scores"


def test_where_each_failure_ends_comes_first() -> None:
    text = "def a():\n    return b()\n\n\ndef b():\n    return 1 / 0\n\n\ndef c():\n    return b\n"
    trace = [("t.py", 3), ("m.py", 2), ("m.py", 6), ("t.py", 7), ("m.py", 10), ("t.py", 11)]
    found = ranked({"m.py": text}, "a a a", (), trace)
    assert {part.name for part in found[:2]} == {"b", "c"}
