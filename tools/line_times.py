"""A run's output as lines with the time each came, kept in files as it comes."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labcrew.domain.draft import SeenLine

_LINE_CHARACTERS = 4000
_HEAD, _TAIL = 20_000, 20_000
"""Lines at a run's beginning and end that are kept with their times; those between are dropped."""


@dataclass(frozen=True)
class KeptLines:
    """What was kept of an output.

    Args:
        count: lines in all.
        first_s: seconds until the first; 0 without any.
        tail: the last ones, at most 200.
    """

    count: int
    first_s: float
    tail: tuple[SeenLine, ...]


def timed(chunks: Iterable[str], begun: float) -> Iterator[tuple[str, list[SeenLine]]]:
    """Each chunk of an output, with the lines that it ended.

    A carriage return ends a line too, as progress bars use it.

    Args:
        chunks: text as it comes.
        begun: the monotonic clock's seconds when the run began.
    """
    rest = ""
    for chunk in chunks:
        at_s = round(max(0.0, time.monotonic() - begun), 3)
        *whole, rest = (rest + chunk).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        rest = rest[: 16 * _LINE_CHARACTERS]
        yield chunk, [_line(at_s, text) for text in whole if text.strip()]
    if rest.strip():
        yield "", [_line(round(max(0.0, time.monotonic() - begun), 3), rest)]


def kept_lines(chunks: Iterable[tuple[str, list[SeenLine]]], log: Path) -> KeptLines:
    """Writes an output to `log`, and its lines with their times beside it, as they come.

    Args:
        log: ends in .log; the lines go to the same name with .jsonl, one object a line.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    count, first_s = 0, 0.0
    last: deque[SeenLine] = deque(maxlen=_TAIL)
    partial, lines = log.with_suffix(".partial"), log.with_suffix(".jsonl.partial")
    with partial.open("w", encoding="utf-8", newline="") as text, lines.open("w") as numbered:
        for chunk, ended in chunks:
            text.write(chunk)
            for line in ended:
                first_s = line.at_s if count == 0 else first_s
                count += 1
                if count <= _HEAD:
                    numbered.write(line.model_dump_json() + "\n")
                last.append(line)
        for line in list(last)[-max(0, count - _HEAD) :] if count > _HEAD else ():
            numbered.write(line.model_dump_json() + "\n")
    partial.replace(log)
    lines.replace(log.with_suffix(".jsonl"))
    return KeptLines(count=count, first_s=first_s, tail=tuple(last)[-200:])


def _line(at_s: float, text: str) -> SeenLine:
    return SeenLine(at_s=at_s, text=text[:_LINE_CHARACTERS])
