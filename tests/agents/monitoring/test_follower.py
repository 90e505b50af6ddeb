"""A follower: detectors that break, and those that must not hear of it."""

from agents.monitoring.detector import Detector
from agents.monitoring.detectors.not_finite import NotFinite
from agents.monitoring.follower import Follower
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage


class Fragile(Detector):
    """Breaks on the third line."""

    def __init__(self, expected: Expectations) -> None:
        self.lines, self.ticks = 0, 0

    def see(self, seen: Observation) -> Alarm | None:
        self.lines += 1
        if self.lines == 3:
            raise ZeroDivisionError("a log that nobody thought of")
        return None


class Late(Detector):
    """Breaks when time passes."""

    def __init__(self, expected: Expectations) -> None: ...

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        raise KeyError("usage")


def test_a_detector_that_breaks_is_dropped_and_told_and_the_others_see_on() -> None:
    follower = Follower(Expectations(), makers=(Fragile, Late, NotFinite))
    assert follower.tick(0.0, None) == ()
    found = follower.feed("loss 1\nloss 0.5\nloss nan\nloss nan\nloss nan\n", 1.0)
    assert [alarm.kind for alarm in found] == ["not_finite"]
    assert follower.failed == {
        "Fragile": "ZeroDivisionError: a log that nobody thought of",
        "Late": "KeyError: 'usage'",
    }


def test_no_detector_of_ours_breaks_on_a_plain_run() -> None:
    follower = Follower(Expectations())
    for step in range(500):
        follower.feed(f"step {step} loss {1 / (step + 1)} val_loss {2 / (step + 1)}\n", step)
        follower.tick(step, Usage(memory_bytes=1, memory_limit_bytes=2, cpu_s=step))
    assert follower.failed == {}
