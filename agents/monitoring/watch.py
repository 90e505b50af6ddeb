"""A run being followed, in a thread of its own."""

import math
import threading
import time
from collections.abc import Callable, Iterator

from pydantic import Field

from agents.monitoring.follower import Follower
from agents.monitoring.live_clock import LiveClock
from labcrew.domain.base import Model
from labcrew.domain.experiment import MetricPoint
from labcrew.domain.measuring import Metric
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from tools.reported import from_line


class Reading(Model):
    """What is known of a followed run at one moment.

    Args:
        unread: lines whose numbers could not be read.
        failed: detectors that broke on this log, and why: they saw no more of it.
    """

    ended: bool
    alarms: tuple[Alarm, ...] = ()
    reported: float | None = None
    best: float | None = None
    step: int = 0
    seconds_silent: float = 0.0
    at_s: float = 0.0
    log_bytes: int = 0
    lines: int = 0
    unread: int = 0
    usage: Usage | None = None
    failed: dict[str, str] = Field(default_factory=dict)
    tail: tuple[str, ...] = ()


class Watch:
    """Follows one run's output from its first byte.

    Args:
        chunks: the output as it comes.
        assigned: whose metric is looked for.
        wake: called on an alarm and at the end.
        opened: is told of each alarm at once, in this watch's own thread, with the seconds since
            the run was first followed.
        now: monotonic seconds.
    """

    def __init__(
        self,
        chunks: Iterator[str],
        assigned: AssignedTicket,
        wake: Callable[[], None],
        opened: Callable[[Alarm, float], None] = lambda alarm, at_s: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._chunks, self._metric = chunks, assigned.ticket.metric
        self._wake, self._opened, self._now = wake, opened, now
        self._lock = threading.Lock()
        self._follower = Follower(expectations(assigned), self._number)
        self._alarms: list[Alarm] = []
        self._reported: float | None = None
        self._best: float | None = None
        self._usage: Usage | None = None
        self._ended, self._closing = False, False
        self._begun = self._heard = now()
        self._clock = LiveClock(self._begun)
        self._thread = threading.Thread(target=self._follow, daemon=True, name="labcrew-watch")
        self._thread.start()

    def _follow(self) -> None:
        try:
            for chunk in self._chunks:
                if self._closing:
                    return
                self._take(chunk)
            self._take("", last=True)
        except LabcrewError:
            self._take("", last=True)  # the engine or the container is gone; its status tells which
        finally:
            with self._lock:
                self._ended = True
            self._wake()

    def _take(self, text: str, *, last: bool = False) -> None:
        with self._lock:
            now = self._now()
            self._clock.reads(now)
            if text:
                self._heard = now
            at_s = self._clock.at_s(now)
            found = self._follower.end(at_s) if last else self._follower.feed(text, at_s)
            self._alarms += found
            self._clock.has_read(self._now())
        self._tell(found, now - self._begun)

    def _number(self, seen: Observation) -> None:
        """Takes the ticket's metric out of a line."""
        value = reported(self._metric, seen)
        if value is None:
            return
        self._reported = value
        # Nothing is better than NaN, so it would stay the best for good.
        if math.isfinite(value) and (self._best is None or self._metric.better(value, self._best)):
            self._best = value

    def tick(self, usage: Usage | None) -> None:
        """Lets the detectors know that time has passed, and what the container uses."""
        with self._lock:
            if self._ended:
                return
            self._usage = usage
            now = self._now()
            self._clock.waits(now)
            found = self._follower.tick(self._clock.at_s(now), usage)
            self._alarms += found
        self._tell(found, now - self._begun)

    def _tell(self, found: tuple[Alarm, ...], at_s: float) -> None:
        for alarm in found:
            self._opened(alarm, at_s)
        if found:
            self._wake()

    def reading(self) -> Reading:
        """What is known now."""
        with self._lock:
            now = self._now()
            return Reading(
                ended=self._ended,
                alarms=tuple(self._alarms),
                reported=self._reported,
                best=self._best,
                step=self._follower.step,
                seconds_silent=0.0 if self._ended else now - self._heard,
                at_s=now - self._begun,
                log_bytes=self._follower.bytes,
                lines=self._follower.lines,
                unread=self._follower.unread,
                usage=self._usage,
                failed=dict(self._follower.failed),
                tail=tuple(self._follower.tail),
            )

    def points(self) -> tuple[MetricPoint, ...]:
        """The run's numbers so far, thinned."""
        with self._lock:
            return self._follower.history.points()

    def wake_by(self, wake: Callable[[], None]) -> None:
        """Calls another function from now on."""
        self._wake = wake

    def close(self) -> None:
        """Lets the thread go at its next chunk."""
        self._closing = True

    def join(self, timeout_s: float) -> None:
        """Waits for the end of the output."""
        self._thread.join(timeout_s)


def reported(metric: Metric, seen: Observation) -> float | None:
    """The ticket's metric in a line: by its pattern, else by its name."""
    if metric.pattern is not None:
        return from_line(metric, seen.text)
    return seen.numbers.get(metric.name, seen.numbers.get(metric.name.replace(" ", "_")))


def expectations(assigned: AssignedTicket) -> Expectations:
    """What is known of a ticket's runs before they start."""
    ticket, budget = assigned.ticket, assigned.budget
    return Expectations(
        metric=ticket.metric.name,
        direction=ticket.metric.direction,
        stall_s=ticket.run.stall_s,
        timeout_s=ticket.run.timeout_s,
        memory_mb=budget.memory_mb,
        disk_mb=budget.disk_mb,
    )
