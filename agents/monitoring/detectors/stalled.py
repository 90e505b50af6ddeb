"""Silence: a run that hangs."""

import re
from collections import deque

from agents.monitoring.detector import Detector
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage
from tools.metric_names import role

_LONGER = 4.0
"""Times the longest gap so far; a rule of thumb: pauses of one kind seldom differ by as much."""
_IDLE_CORES, _BUSY_GPU = 0.05, 0.02
_REPEATS, _TRAINING = 8, 3
_CLOCK = re.compile(
    r"\d{1,4}[-/.]\d\d?[-/.]\d{1,4}|\d+:\d\d(?::\d\d)?(?:[.,]\d+)?"
    r"|\b\d+(?:\.\d+)?\s?(?:h|m|min|s|sec|secs|seconds|minutes)\b"
)
"""Dates, times of day and durations: they move in a run that hangs as well."""
_SPINNER = re.compile(r"[|/\\\u2800-\u28ff\u2190-\u25ff-]+")
_OF_TIME = frozenset({"throughput", "data_time", "step_time", "memory"})


class Stalled(Detector):
    """No output for too long: at once suspicious where the CPU is idle, else at the limit.

    A watchdog timer with a limit learnt from the run: idle silence four times longer than any gap
    so far, and at least a tenth of the ticket's limit, is a hang; silence at work may be a long
    evaluation and is left until the limit itself. A line that repeats one of the last lines word
    for word, without numbers, is a heartbeat and no life, whatever clock it shows; so is one that
    stands at the same step, or a bar at the same place, with the same numbers.

    Args:
        expected: `stall_s` is the limit.
    """

    def __init__(self, expected: Expectations) -> None:
        self._limit = expected.stall_s
        self._floor = min(max(1.0, expected.stall_s / 10), expected.stall_s)
        self._heard, self._longest, self._lines = 0.0, 0.0, 0
        self._numbers = 0
        self._step: int | None = None
        self._texts: deque[str] = deque(maxlen=_REPEATS)
        self._stood: object = None
        self._cpu: deque[tuple[float, float]] = deque(maxlen=600)
        self._gpu_at = -1e9

    def see(self, seen: Observation) -> Alarm | None:
        if seen.step is not None or seen.done is not None:
            told = {n: v for n, v in seen.numbers.items() if role(n) not in _OF_TIME}
            stands = (seen.step, seen.done, told)
            if stands == self._stood:
                return None
            self._stood = stands
        elif not seen.numbers:
            text = _SPINNER.sub("", _CLOCK.sub("", seen.text[:200])).strip()
            if text in self._texts:
                return None
            self._texts.append(text)
        gap = seen.at_s - self._heard
        if gap > self._longest and self._lines:
            self._longest = gap
        self._heard = seen.at_s
        self._lines += 1
        # Of lines that were there already, read all at once, the gaps aren't known.
        self._numbers += bool(seen.numbers) and gap > 0
        if seen.step is not None:
            self._step = seen.step
        return None

    def tick(self, at_s: float, usage: Usage | None) -> Alarm | None:
        silent = at_s - self._heard
        if usage is not None:
            self._cpu.append((at_s, usage.cpu_s))
            if (usage.gpu_busy or 0.0) > _BUSY_GPU:
                self._gpu_at = at_s
        else:
            self._cpu.clear()
        if silent > self._limit:
            return self._alarm(silent, "", 0.95)
        # What comes before the first numbers is loading, and has no gap to be compared with.
        if silent <= max(self._floor, _LONGER * self._longest) or self._numbers < _TRAINING:
            return None
        cores = self._cores(at_s)
        if cores is None or cores > _IDLE_CORES or at_s - self._gpu_at < self._floor:
            return None
        return self._alarm(silent, f", and its CPU is idle ({cores:.2f} cores)", 0.9)

    def _cores(self, at_s: float) -> float | None:
        """CPU use over the last stretch as long as the floor; None where that isn't known."""
        cpu = self._cpu
        while len(cpu) > 2 and cpu[1][0] <= at_s - self._floor:
            cpu.popleft()
        if len(cpu) < 2 or cpu[-1][0] - cpu[0][0] < self._floor * 0.8:
            return None
        return abs(cpu[-1][1] - cpu[0][1]) / (cpu[-1][0] - cpu[0][0])

    def _alarm(self, silent: float, idle: str, confidence: float) -> Alarm:
        return Alarm(
            kind="stalled",
            diagnosis=f"no line of output for {silent:.3g} s{idle}; "
            f"the longest gap before was {self._longest:.3g} s",
            confidence=confidence,
            step=self._step,
            since_step=self._step,
        )
