"""One run, followed: its text goes in, alarms come out, the first of each kind."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from agents.monitoring.detector import Detector, Maker
from agents.monitoring.detectors import DETECTORS
from agents.monitoring.history import History
from labcrew.domain.monitoring import Alarm, Expectations, IncidentKind, Observation, Usage
from tools.logs.reader import BACKLOG, LogReader

_KEPT_LINES, _LINE = 400, 2000


class Follower:
    """Reads a run's log and asks every detector about each line and each tick. Not thread-safe.

    Args:
        expected: what is known of the run before it starts.
        also: is shown each line that was read, too.
        makers: what makes the detectors.
    """

    def __init__(
        self,
        expected: Expectations,
        also: Callable[[Observation], None] = lambda seen: None,
        makers: Sequence[Maker] = DETECTORS,
    ) -> None:
        self._also = also
        self._reader = LogReader()
        self._detectors: tuple[Detector, ...] = tuple(make(expected) for make in makers)
        self._seen: set[IncidentKind] = set()
        self._history = History(expected.metric)
        self.tail: deque[str] = deque(maxlen=_KEPT_LINES)
        self.step = 0
        self.bytes = 0
        self.failed: dict[str, str] = {}
        """Detectors that broke on this log, and why."""

    def feed(self, text: str, at_s: float) -> tuple[Alarm, ...]:
        """Takes text as it comes, cut anywhere.

        Args:
            at_s: seconds since the run was first followed.
        """
        self.bytes += len(text)
        found = self._see(self._reader.feed(text, at_s))
        if len(text) >= BACKLOG:
            # Of a backlog only the telling lines are observations; its last lines stand whole.
            last = text[-_KEPT_LINES * _LINE :].splitlines()[-_KEPT_LINES:]
            self.tail.extend(line[:_LINE] for line in last)
        return found

    def end(self, at_s: float) -> tuple[Alarm, ...]:
        """Takes what is left of a last line without an end."""
        return self._see(self._reader.end(at_s))

    def tick(self, at_s: float, usage: Usage | None) -> tuple[Alarm, ...]:
        """Takes the time, and what the run's container uses."""
        return self._new(self._ask(None, at_s, usage))

    @property
    def history(self) -> History:
        """The numbers so far."""
        return self._history

    @property
    def lines(self) -> int:
        """Lines so far."""
        return self._reader.lines

    @property
    def unread(self) -> int:
        """Lines whose numbers could not be read."""
        return self._reader.unread

    def _see(self, lines: Iterable[Observation]) -> tuple[Alarm, ...]:
        found: tuple[Alarm, ...] = ()
        for seen in lines:
            self.tail.append(seen.text)
            self._also(seen)
            if seen.step is not None:
                self.step = seen.step
            self._history.add(seen, self._reader.lines)
            found += self._new(self._ask(seen, seen.at_s, None))
        return found

    def _ask(
        self, seen: Observation | None, at_s: float, usage: Usage | None
    ) -> Iterator[Alarm | None]:
        """Every detector's answer to a line, or to a tick where there is none; one that fails on
        what a log holds is asked no more.
        """
        for detector in self._detectors:
            try:
                yield detector.see(seen) if seen else detector.tick(at_s, usage)
            except Exception as error:  # the others must see the run to its end
                self._detectors = tuple(d for d in self._detectors if d is not detector)
                self.failed[type(detector).__name__] = f"{type(error).__name__}: {error}"[:300]

    def _new(self, answers: Iterable[Alarm | None]) -> tuple[Alarm, ...]:
        found: list[Alarm] = []
        for alarm in answers:
            if alarm is not None and alarm.kind not in self._seen:
                self._seen.add(alarm.kind)
                found.append(alarm if alarm.lines else self._with_lines(alarm))
        return tuple(found)

    def _with_lines(self, alarm: Alarm) -> Alarm:
        return alarm.model_copy(update={"lines": tuple(list(self.tail)[-8:])})
