"""Reads a log as it grows, without being told what wrote it."""

import re
from collections.abc import Iterator

from labcrew.domain.monitoring import Observation
from tools.logs.line import TEXT_CAP, clean, read_line
from tools.logs.table import Table

_ENDS = re.compile(r"\r\n|[\n\r]")


class LogReader:
    """Text in, cut anywhere; an observation a line out.

    A carriage return ends a line too, as progress bars use it. The memory it takes does not grow.

    Args:
        line_cap: characters of a line that are kept; the rest of the line is dropped.
        examples: how many unread lines are kept to be shown.
    """

    def __init__(self, line_cap: int = TEXT_CAP, examples: int = 5) -> None:
        self._cap, self._examples = line_cap, examples
        self._rest = ""
        self._after_return = False
        self._table = Table()
        self.lines = 0
        """Lines seen."""
        self.unread = 0
        """Lines that hold numbers of which none could be read."""
        self.unread_lines: list[str] = []
        """The first of them, at most 200 characters each: untrusted."""

    def feed(self, chunk: str, at_s: float) -> Iterator[Observation]:
        """Takes text and yields what its whole lines say.

        Args:
            chunk: the next piece of the log, cut anywhere.
            at_s: when it came, in seconds since the run was first followed.
        """
        if self._after_return and chunk:
            # A line end may be cut in two.
            chunk = chunk[1:] if chunk[0] == "\n" else chunk
            self._after_return = False
        *whole, rest = _ENDS.split(chunk) if "\r" in chunk else chunk.split("\n")
        self._after_return = chunk.endswith("\r")
        for line in whole:
            if self._rest:
                line, self._rest = self._rest + line, ""
            yield self._read(line, at_s)
        self._rest = (self._rest + rest)[: self._cap]

    def end(self, at_s: float) -> Iterator[Observation]:
        """Yields what is left of a last line, where it had no end."""
        if self._rest:
            rest, self._rest = self._rest, ""
            yield self._read(rest, at_s)

    def _read(self, line: str, at_s: float) -> Observation:
        self.lines += 1
        text = clean(line[: self._cap])
        found, plan, tokens = read_line(text, at_s)
        if plan is not None:
            found = self._table.read(found, plan, tokens)
            if tokens and not (
                found.trouble
                or found.numbers
                or found.done
                or found.rate
                or found.step is not None
                or found.batch
            ):
                self.unread += 1
                if len(self.unread_lines) < self._examples:
                    self.unread_lines.append(text[:200])
        return found
