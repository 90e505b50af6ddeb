"""What a name stands for in a report of tests, and when it has passed."""

import pytest

from labcrew.domain.testing import TestReport as Report

A = "tests/test_a.py"
REPORT = Report(
    outcomes={
        f"{A}::test_one": "passed",
        f"{A}::test_many[1]": "passed",
        f"{A}::test_many[2]": "skipped",
        f"{A}::Class::test_it": "passed",
        "tests/test_ab.py::test_one": "failed",
        "tests/deep/test_c.py": "error",
    },
    exit_code=1,
)


@pytest.mark.parametrize(
    ("name", "count", "passed"),
    [
        (f"{A}::test_one", 1, True),
        (f"{A}::test_many[2]", 1, False),
        (f"{A}::test_many", 2, False),
        (f"{A}::Class", 1, True),
        (A, 4, False),
        ("tests/test_ab.py", 1, False),
        ("tests/deep", 1, False),
        ("tests/", 6, False),
        ("test", 0, False),
        (f"{A}::test_on", 0, False),
    ],
)
def test_a_name_stands_for_what_lies_under_it(name: str, count: int, passed: bool) -> None:
    assert len(REPORT.under(name)) == count
    assert REPORT.passed(name) is passed
