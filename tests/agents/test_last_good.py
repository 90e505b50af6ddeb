"""Which checkpoint a run goes on from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.checkpoints import last_good
from labcrew.domain.monitoring import Checkpoint


def made(step: int | None, at: float = 0.0, **changes: Any) -> Checkpoint:
    fields: dict[str, Any] = {
        "path": f"checkpoints/{step}-{at}.npz", "size_bytes": 1, "sha256": "0" * 64,
        "kind": "numpy", "loads": True, "finite": True, "step": step, "modified_at": at,
    }  # fmt: skip
    return Checkpoint.model_validate(fields | changes)


def test_the_newest_that_was_healthy() -> None:
    three = [made(10), made(20), made(30)]
    assert last_good(three, since_step=25) == three[1]
    assert last_good(three, since_step=20) == three[1]
    assert last_good(three, since_step=9) is None
    assert last_good(three, since_step=None) == three[2]
    assert last_good([], since_step=3) is None


def test_one_that_is_broken_is_passed_over() -> None:
    three = [made(10), made(20, loads=False, finite=None), made(30, finite=False)]
    assert last_good(three, since_step=100) == three[0]
    assert last_good([made(40, finite=None)], since_step=100) is not None


def test_one_without_a_step_is_judged_by_its_time() -> None:
    two = [made(None, at=5), made(None, at=9)]
    assert last_good(two, since_step=100, before=8) == two[0]
    assert last_good(two, since_step=100) is None
    assert last_good(two, since_step=None) == two[1]
    assert last_good([made(7, at=1)], since_step=None, before=8) is not None


CHECKPOINTS = st.lists(
    st.builds(
        made,
        st.none() | st.integers(0, 50),
        at=st.floats(0, 100),
        loads=st.booleans(),
        finite=st.none() | st.booleans(),
    )
)


@given(CHECKPOINTS, st.none() | st.integers(0, 50), st.none() | st.floats(0, 100))
def test_it_is_never_a_broken_or_a_later_one(
    them: list[Checkpoint], since: int | None, before: float | None
) -> None:
    one = last_good(them, since, before)
    if one is None:
        return
    assert one.loads
    assert one.finite is not False
    if since is not None and one.step is not None:
        assert one.step <= since
        fitting = [
            c.step
            for c in them
            if c.loads and c.finite is not False and (before is None or c.modified_at < before)
        ]
        assert one.step == max(step for step in fitting if step is not None and step <= since)


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_does_not_matter(order: int) -> None:
    two = [made(3, at=1), made(3, at=2)][::order]
    assert last_good(two, since_step=3) == made(3, at=2)
