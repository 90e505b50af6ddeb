"""What is told of work that grows too fast."""

from collections.abc import Callable

import pytest

from tests import effort
from tests.effort import assert_proportionate

Work = Callable[[int], None]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Takes so many steps, of a millisecond each by the clock that is read."""
    taken = 0

    def take(number: int) -> None:
        nonlocal taken
        taken += number

    monkeypatch.setattr(effort, "thread_time", lambda: taken / 1000)
    return take


def test_work_that_grows_with_its_input_passes(steps: Work) -> None:
    assert_proportionate(steps, int, 200)
    assert_proportionate(lambda size: steps(size + 100), int, 200)
    assert_proportionate(lambda _: steps(1000), int, 200)


def test_work_that_grows_with_its_square_does_not(steps: Work) -> None:
    with pytest.raises(AssertionError, match=r"4 times the input takes 16\.0 times the work"):
        assert_proportionate(lambda size: steps(size**2), int, 200)


def test_one_try_that_was_held_up_is_forgiven(steps: Work) -> None:
    held_up = iter([1000])
    assert_proportionate(
        lambda size: steps(size + (next(held_up, 0) if size == 200 else 0)), int, 200
    )


def test_real_work_is_measured() -> None:
    assert_proportionate(lambda size: sorted(n * 7919 % size for n in range(size)), int, 20_000)
