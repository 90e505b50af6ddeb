"""The figure for reading a repository, on a small one."""

import pytest

from evals.bench.reading import reading_figure

pytestmark = pytest.mark.engine


def test_reading_is_measured_beside_git_grep_and_the_whole_tool() -> None:
    figure = reading_figure(rounds=1, files=50)
    assert figure.parts["files"] == 50
    assert all(
        s > 0 for s in (figure.value, figure.parts["git_grep_s"], figure.parts["whole_tool_s"])
    )
