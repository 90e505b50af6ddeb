"""What a program in a sandbox says may be nested more deeply than can be read."""

import pytest

from labcrew.domain.sandbox import RunResult
from labcrew.errors import ToolError
from tools.make_change import rendered
from tools.programming.parsing import told

_NESTED = "[" * 200_000


def test_an_edit_that_can_not_be_read() -> None:
    result = RunResult(exit_code=0, stdout=_NESTED, stderr="", timed_out=False, duration_s=0)
    with pytest.raises(ToolError, match=r"a\.yaml could not be edited"):
        rendered("a.yaml", result)


def test_a_trouble_that_can_not_be_read() -> None:
    line, message = told(_NESTED)
    assert line is None
    assert message == "[" * 300
