"""Whether a failure moved on: what is worth building upon although as many tests fail."""

import pytest

from agents.programming.progress import further
from labcrew.domain.testing import TestReport as Report

RANKS = """class Ranks:
    def __init__(self, texts):
        self.size = len(texts)
        lengths = self._lengths(texts)
        self._weights(lengths)

    def _lengths(self, texts):
        lengths = [len(text) for text in texts]
        self.mean = sum(lengths) / self.size
        return lengths

    def _weights(self, lengths):
        self.weight = sum(lengths) / len(lengths)
"""
GUARDED = RANKS.replace(
    "        self.mean =", "        if not texts:\n            return lengths\n        self.mean ="
)
NAME = "tests/test_ranks.py::TestEmpty::test_empty[0]"
FIRST = (("tests/test_ranks.py", 6), ("ranks.py", 4), ("ranks.py", 9))
SECOND = (("tests/test_ranks.py", 6), ("ranks.py", 5), ("ranks.py", 15))
"""As they stand in the guarded file."""


def report(*places: tuple[str, int], name: str = "TestEmpty.test_empty[0]") -> Report:
    """As pytest writes a failure that went through these lines."""
    outer = "\n".join(f"{path}:{line}: in call\n    code" for path, line in places[:-1])
    path, line = places[-1]
    tail = (
        f"================ FAILURES ================\n________ {name} ________\n\n{outer}\n"
        f">   code\nE   ZeroDivisionError: division by zero\n\n{path}:{line}: ZeroDivisionError\n"
        "======== short test summary info ========\n"
    )
    return Report(outcomes={NAME: "failed"}, exit_code=1, tail=tail)


def moved(now: Report, new: str = GUARDED, names: tuple[str, ...] = (NAME,)) -> bool:
    return further(report(*FIRST), now, names, {"ranks.py": RANKS}, {"ranks.py": new})


def test_a_failure_in_a_later_call_is_further() -> None:
    assert moved(report(*SECOND))


def test_a_later_line_of_the_test_itself_is_further() -> None:
    assert moved(report(("tests/test_ranks.py", 7)))


def test_the_same_line_pushed_down_is_not() -> None:
    assert not moved(report(*FIRST[:2], ("ranks.py", 11)))


@pytest.mark.parametrize(
    "places",
    [
        (*FIRST[:2], ("ranks.py", 9)),  # the guard itself
        (*FIRST[:1], ("ranks.py", 3)),  # before it
        FIRST[:1],  # the caller: the error may be swallowed
        (("tests/test_ranks.py", 5),),
        (*SECOND[:2], ("ranks.py", 10)),  # later, but in a line of the change
        (("tests/conftest.py", 90),),
    ],
)
def test_what_proves_no_progress_is_not(places: tuple[tuple[str, int], ...]) -> None:
    assert not moved(report(*places))


def test_without_lines_nothing_is() -> None:
    assert not moved(Report(outcomes={NAME: "failed"}, exit_code=1, tail=""))
    assert not moved(report(*SECOND, name="test_other"))
    assert not moved(report(*SECOND), names=())


def test_a_name_that_two_files_have_tells_nothing() -> None:
    once = report(*SECOND)
    assert not moved(once.model_copy(update={"tail": once.tail + once.tail}))


def test_every_test_must_get_further() -> None:
    assert not moved(report(*SECOND), names=(NAME, "tests/test_ranks.py::test_b"))


def test_a_new_file_is_the_changes_own() -> None:
    new = {"ranks.py": RANKS, "more.py": "x = 1 / 0\n"}
    now = report(FIRST[0], ("ranks.py", 5), ("more.py", 1))
    assert not further(report(*FIRST), now, (NAME,), {"ranks.py": RANKS}, new)


def test_a_form_feed_ends_no_line() -> None:
    old = RANKS.replace("    def _lengths", "    # part two \f of it\n    def _lengths")
    new = GUARDED.replace("    def _lengths", "    # part two \f of it\n    def _lengths")
    was = report(*FIRST[:2], ("ranks.py", 10))
    now = report(*SECOND[:2], ("ranks.py", 16))
    assert further(was, now, (NAME,), {"ranks.py": old}, {"ranks.py": new})
    same = report(*FIRST[:2], ("ranks.py", 12))
    assert not further(was, same, (NAME,), {"ranks.py": old}, {"ranks.py": new})
