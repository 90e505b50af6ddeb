"""Lines of a log as observations."""

from collections.abc import Iterator

from labcrew.domain.monitoring import Observation
from tools.log_lines import metrics, step_of

_MAX_LINE = 20_000


class LogReader:
    """Reads a log as it grows. A carriage return ends a line too, as progress bars use it."""

    def __init__(self) -> None:
        self._rest = ""
        self.lines, self.unread = 0, 0

    def feed(self, chunk: str, at_s: float) -> Iterator[Observation]:
        """Takes text, cut anywhere, and yields its whole lines."""
        text = (self._rest + chunk).replace("\r\n", "\n").replace("\r", "\n")
        *whole, self._rest = text.split("\n")
        for line in whole:
            yield self._read(line, at_s)
        if len(self._rest) > _MAX_LINE:
            yield from self.end(at_s)

    def end(self, at_s: float) -> Iterator[Observation]:
        """Yields what is left of a last line."""
        if self._rest:
            rest, self._rest = self._rest, ""
            yield self._read(rest, at_s)

    def _read(self, line: str, at_s: float) -> Observation:
        self.lines += 1
        numbers = metrics(line)
        step = step_of(numbers, -1)
        return Observation(
            at_s=at_s, text=line[:_MAX_LINE], numbers=numbers, step=step if step >= 0 else None
        )
