"""Runs that wait for their data."""

from collections import deque

from agents.monitoring.detector import Detector
from agents.monitoring.named import shown
from agents.monitoring.pace import Pace, Slowness
from agents.monitoring.robust import Window
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage
from tools.metric_names import role

_NEEDED, _ROW = 12, 6
_TIMES, _SHARE = 4.0, 0.5
_IDLE = 0.3
"""CPU use while slow, as a share of the use before."""


class DataStarved(Detector):
    """Steps that are slow because data comes slowly: by the printed time, else by an idle CPU.

    A printed data time that stands at four times its median, and is at least half of the step
    where that is printed too (the measure of the ImageNet example of PyTorch and of most training
    loops since). Without it: a lasting slowdown in which the CPU does less than a third of what
    it did, which is waiting for something, most often data.
    """

    def __init__(self, expected: Expectations) -> None:
        self._usual, self._row = Window(96), 0
        self._name, self._step_name = "", ""
        self._healthy: int | None = None
        self._pace, self._slowness = Pace(), Slowness()
        self._slow_at: float | None = None
        self._cpu: deque[tuple[float, float]] = deque(maxlen=120)
        self._busy = Window(60)

    def see(self, seen: Observation) -> Alarm | None:
        for name in seen.numbers:
            kind = role(name)
            if kind == "data_time" and not self._name:
                self._name = name
            elif kind == "step_time" and not self._step_name:
                self._step_name = name
        if self._name:
            return self._printed(seen)
        block = self._pace.see(seen)
        if block is None:
            return None
        slow = self._slowness.add(block, seen)
        if not len(self._slowness.row):
            self._slow_at = None
        elif self._slow_at is None:
            self._slow_at = seen.at_s
        return self._idle(seen) if slow else None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        if usage is None:
            return None
        if self._cpu and self._slow_at is None and at_s > self._cpu[-1][0]:
            before_s, before = self._cpu[-1]
            self._busy.add((usage.cpu_s - before) / (at_s - before_s))
        self._cpu.append((at_s, usage.cpu_s))
        return None

    def _printed(self, seen: Observation) -> Alarm | None:
        value = seen.numbers.get(self._name)
        if value is None or not 0 <= value < 1e9:
            return None
        step_s = seen.numbers.get(self._step_name, 0.0)
        usual = self._usual
        high = len(usual) >= _NEEDED and value > max(
            _TIMES * usual.median, 1.5 * usual.quantile(0.95), 1e-4
        )
        if not high or (step_s > 0 and value < _SHARE * step_s):
            usual.add(value)
            self._row = 0
            self._healthy = seen.step
            return None
        self._row += 1
        if self._row < _ROW:
            return None
        share = f", {value / step_s:.0%} of the step" if step_s > 0 else ""
        return Alarm(
            kind="data_starved",
            diagnosis=f"{shown(self._name)} is {value:.3g} (it was {usual.median:.3g}){share}, "
            f"for {self._row} readings",
            confidence=0.9 if step_s > 0 else 0.8,
            step=seen.step,
            since_step=self._healthy,
            subject=shown(self._name),
        )

    def _idle(self, seen: Observation) -> Alarm | None:
        since = self._slow_at
        if since is None or len(self._busy) < 3:
            return None
        slow = [point for point in self._cpu if point[0] >= since]
        if len(slow) < 3 or slow[-1][0] - slow[0][0] < 2:
            return None
        now = (slow[-1][1] - slow[0][1]) / (slow[-1][0] - slow[0][0])
        usual = self._busy.median
        if usual < 0.1 or now > _IDLE * usual:
            return None
        return Alarm(
            kind="data_starved",
            diagnosis=f"a step takes {self._slowness.times:.1f} times as long as it did while the "
            f"CPU went from {usual:.2f} to {now:.2f} cores: it waits",
            confidence=0.6,
            step=seen.step,
            since_step=self._slowness.healthy,
        )
