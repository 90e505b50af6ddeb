"""What is told of work that grows too fast."""

import pytest

from tests.effort import assert_proportionate


def test_work_that_grows_with_its_input_passes() -> None:
    assert_proportionate(sum, range, 100_000)
    assert_proportionate(sorted, lambda size: [n * 7919 % size for n in range(size)], 20_000)
    assert_proportionate(lambda _: sum(range(1000)), range, 100_000)


def test_work_that_grows_with_its_square_does_not() -> None:
    def pairs(size: int) -> int:
        return sum(one < other for one in range(size) for other in range(size))

    with pytest.raises(AssertionError, match="4 times the input takes 1"):
        assert_proportionate(pairs, int, 200)
