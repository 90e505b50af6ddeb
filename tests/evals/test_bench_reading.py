"""The figure for reading a repository, on a small one."""

import pytest

from evals.bench.reading import reading_figure

pytestmark = pytest.mark.engine


def test_a_small_repository_is_read_within_the_bound() -> None:
    figure = reading_figure(rounds=1, files=50)
    assert figure.holds
    assert figure.parts["files"] == 50
    assert 0 < figure.parts["git_grep_s"] < figure.value < figure.parts["whole_tool_s"]
