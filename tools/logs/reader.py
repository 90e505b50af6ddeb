"""Reads a log as it grows, without being told what wrote it."""

import codecs
import re
from collections.abc import Iterator

from labcrew.domain.monitoring import Observation
from tools.logs.line import TEXT_CAP, clean, read_line
from tools.logs.nulls import Nulls
from tools.logs.sieve import Sieve
from tools.logs.table import Table
from tools.metric_names import role

_ENDS = re.compile(r"\r\n|[\n\r]")
BACKLOG = 1 << 16
"""Characters from which on a chunk is a backlog: only its telling lines become observations."""


class LogReader:
    """Text in, cut anywhere; an observation a line out.

    A carriage return ends a line too, as progress bars use it. The memory it takes does not grow.
    Of a chunk of 64 KiB or more only the telling lines are yielded: those with a metric, a step, an
    epoch, a bar, trouble, a checkpoint or a batch. The others are counted.

    Args:
        line_cap: characters of a line that are kept; the rest of the line is dropped.
        examples: how many unread lines are kept to be shown.
    """

    def __init__(self, line_cap: int = TEXT_CAP, examples: int = 5) -> None:
        self._cap, self._examples = line_cap, examples
        self._rest = ""
        self._after_return = False
        self._table = Table()
        self._nulls = Nulls()
        self._sieve = Sieve()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.lines = 0
        """Lines seen."""
        self.passed_over = 0
        """Lines of a backlog that were only counted: nothing in them was worth reading."""
        self.unread = 0
        """Lines that hold numbers of which none could be read."""
        self.unread_lines: list[str] = []
        """The first of them, at most 200 characters each: untrusted."""

    def feed(self, chunk: str | bytes, at_s: float) -> Iterator[Observation]:
        """Takes text and yields what its whole lines say.

        Args:
            chunk: the next piece of the log, cut anywhere; bytes are UTF-8.
            at_s: when it came, in seconds since the run was first followed.
        """
        if len(chunk) >= BACKLOG:
            yield from self._backlog(chunk, at_s)
            return
        if isinstance(chunk, bytes):
            chunk = self._decoder.decode(chunk)
        if self._after_return and chunk:
            # A line end may be cut in two.
            chunk = chunk[1:] if chunk[0] == "\n" else chunk
            self._after_return = False
        *whole, rest = _ENDS.split(chunk) if "\r" in chunk else chunk.split("\n")
        self._after_return = chunk.endswith("\r")
        for line in whole:
            if self._rest:
                line, self._rest = self._rest + line, ""
            yield self._read(line, at_s)[0]
        self._rest = (self._rest + rest)[: self._cap]

    def end(self, at_s: float) -> Iterator[Observation]:
        """Yields what is left of a last line, where it had no end."""
        if self._rest:
            rest, self._rest = self._rest, ""
            yield self._read(rest, at_s)[0]

    def _backlog(self, chunk: str | bytes, at_s: float) -> Iterator[Observation]:
        """The lines of a large chunk: the first and the last may be parts, and go the slow way."""
        data = chunk.encode("utf-8", "replace") if isinstance(chunk, str) else chunk
        if self._after_return and data[:1] == b"\n":
            data = data[1:]
        self._after_return, after_return = False, data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, last = data.find(b"\n") + 1, data.rfind(b"\n") + 1
        yield from self._small(data[: first or len(data)], at_s)
        for start, end in self._sieve.blocks(data, first, last):
            lines = 0
            for line in self._sieve.worth_reading(data, start, end):
                found, tells = self._read(line.decode("utf-8", "replace"), at_s)
                self._sieve.learn(tells)
                lines += 1
                if tells and (found.numbers or is_telling(found)):
                    yield found
            passed = self._sieve.lines_in_block - lines
            self.lines += passed
            self.passed_over += passed
        yield from self._small(data[last:] if first else b"", at_s)
        self._after_return = after_return

    def _small(self, data: bytes, at_s: float) -> Iterator[Observation]:
        for start in range(0, len(data), BACKLOG // 2):
            yield from self.feed(data[start : start + BACKLOG // 2], at_s)

    def _read(self, line: str, at_s: float) -> tuple[Observation, bool]:
        """What a line says, and whether lines like it are worth reading."""
        self.lines += 1
        text = clean(line[: self._cap])
        found, plan, tokens = read_line(text, at_s)
        if plan is None:
            return self._nulls.take(found, tokens), True
        if not tokens:
            return found, self._table.take(text) or is_telling(found)
        if plan.bare:
            found = self._table.row(found, tokens)
        tells = plan.marked or plan.known or is_telling(found)
        if not (tells or found.numbers):
            self.unread += 1
            if len(self.unread_lines) < self._examples:
                self.unread_lines.append(text[:200])
        return found, tells


def is_telling(found: Observation) -> bool:
    """Whether an observation says more than words with a number among them ("took 3 s")."""
    return (
        found.step is not None
        or found.epoch is not None
        or found.done is not None
        or found.rate is not None
        or bool(found.trouble or found.saved or found.batch)
        or any(role(name) != "other" or value - value != 0 for name, value in found.numbers.items())
    )
