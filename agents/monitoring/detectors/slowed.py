"""Steps that take lastingly longer than before."""

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from agents.monitoring.pace import Pace, Slowness
from labcrew.domain.monitoring import Alarm, Expectations, Observation
from tools.metric_names import role


class Slowed(Detector):
    """A step rate that fell to a third of the run's own, and stays there.

    A rule of thumb on robust statistics: other load on the machine costs up to a factor of two,
    so three, in a row of eight, against the median (see `Slowness`). Where the program prints a
    throughput or the time of a step, that counts too.
    """

    def __init__(self, expected: Expectations) -> None:
        self._pace, self._slowness = Pace(), Slowness()
        self._printed, self._name = Slowness(), ""

    def see(self, seen: Observation) -> Alarm | None:
        printed = self._of_numbers(seen)
        if printed is not None and self._printed.add(printed, seen):
            return self._alarm(seen, self._printed, f"by its own {shown(self._name)}")
        block = self._pace.see(seen)
        if block is not None and self._slowness.add(block, seen):
            return self._alarm(seen, self._slowness, "by the clock")
        return None

    def _of_numbers(self, seen: Observation) -> float | None:
        """Seconds a step, or a like measure, as the program prints it."""
        if not self._name:
            for name in seen.numbers:
                if role(name) in ("step_time", "throughput"):
                    self._name = name
                    break
            else:
                return None
        value = seen.numbers.get(self._name)
        if value is None or not 0 < value < 1e12:
            return None
        return value if role(self._name) == "step_time" else 1 / value

    def _alarm(self, seen: Observation, slowness: Slowness, how: str) -> Alarm:
        return Alarm(
            kind="slowed",
            diagnosis=f"a step takes {slowness.times:.1f} times as long as it did, {how}, "
            f"and has for {len(slowness.row)} readings",
            confidence=0.7,
            step=seen.step,
            since_step=slowness.healthy,
        )
