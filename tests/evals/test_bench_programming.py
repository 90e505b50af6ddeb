"""The loop's own time a step: that as many steps were taken as are counted."""

from evals.bench.programming import loop_ms


def test_every_step_is_taken() -> None:
    assert loop_ms(rounds=1) > 0
