"""Python tracebacks in a log: what failed, where in the user's own files, and from what."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BEGIN = re.compile(r"Traceback \(most recent call last\)|Exception Group Traceback")
_FRAME = re.compile(r'^[\s|]*File "([^"\n]{1,400})", line (\d{1,9})(?:, in (\S{1,120}))?')
_ERROR = re.compile(r"^[\s|+-]*((?:[A-Za-z_]\w{0,79}\.){0,8}[A-Za-z_]\w{0,119})(: .*|:?)\s*$")
_PREFIX = re.compile(r"^(?:\[?(?:rank|Rank)?\d+\]?:\s?|\d{4}-\d\d-\d\d\S* \S+ (?:\w+ )?)")
_CHAINED = (
    "The above exception was the direct cause",
    "During handling of the above exception",
)
_WORKER = re.compile(r"Caught .{1,120} in (?:DataLoader|\S* ?worker)|DataLoader worker \(pid")
_FOREIGN = ("site-packages", "dist-packages", "/lib/python", "<frozen", "<string>", "<__array")
_ENDINGS = ("Error", "Exception", "Exit", "Interrupt", "Warning", "Iteration", "Group", "Killed")


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure as its traceback tells it; all of it is untrusted text.

    Args:
        error: the exception's line; where a worker failed, the worker's own.
        cause: the first exception of a chain; empty where there was none before.
        file: the last of the user's own files, else the last of all.
        line: in that file.
        function: in that file.
        worker: whether it failed in a worker of a data loader.
        lines: the traceback, shortened to its end.
    """

    error: str
    cause: str = ""
    file: str = ""
    line: int = 0
    function: str = ""
    worker: bool = False
    lines: tuple[str, ...] = ()


def failure(lines: Sequence[str]) -> Failure | None:
    """The last failure that a log tells of; None where there is no traceback.

    Args:
        lines: capped by the caller.
    """
    text = [_PREFIX.sub("", line, count=1) for line in lines]
    begins = [index for index, line in enumerate(text) if _BEGIN.search(line)]
    if not begins:
        return _bare(text)
    chain = [_one(text[begin:end]) for begin, end in _parts(text, begins)]
    whole = [part for part in chain if part.error]
    if not whole:
        return None
    last, first = whole[-1], whole[0]
    shown = tuple(lines[begins[-1] :])
    worker = any(_WORKER.search(line) for line in text[begins[0] :])
    place = last if last.file or not first.file else first
    return Failure(
        error=last.error,
        cause="" if worker or first.error == last.error else first.error,
        file=place.file,
        line=place.line,
        function=place.function,
        worker=worker,
        lines=shown,
    )


def _parts(text: list[str], begins: list[int]) -> list[tuple[int, int]]:
    """The tracebacks of the last chain: those joined by the words of chaining, or a worker's."""
    ends = [*begins[1:], len(text)]
    parts = list(zip(begins, ends, strict=True))
    start = len(parts) - 1
    while start > 0:
        between = text[parts[start - 1][0] : parts[start][0] + 1]
        if not any(words in line or _WORKER.search(line) for line in between for words in _CHAINED):
            break
        start -= 1
    return parts[start:]


def _one(text: list[str]) -> Failure:
    own: re.Match[str] | None = None
    last: re.Match[str] | None = None
    error = ""
    for line in text[1:]:
        frame = _FRAME.match(line)
        if frame is not None:
            last = frame
            if not any(part in frame[1] for part in _FOREIGN):
                own = frame
            error = ""
        elif not error and last is not None:
            found = _ERROR.match(line)
            if found is not None and _is_error(line, found[1], found[2]):
                error = line.strip(" |+-")
    place = own or last
    if place is None:
        return Failure(error=error)
    return Failure(error=error, file=place[1], line=int(place[2]), function=place[3] or "")


def _is_error(line: str, name: str, rest: str) -> bool:
    """A line of source is indented; an exception's isn't, but inside of a group."""
    if line[:1] == " " and "|" not in line[:6]:
        return False
    return name.endswith(_ENDINGS) or (bool(rest.strip(": ")) and "." in name) or rest == ":"


def _bare(text: list[str]) -> Failure | None:
    """An exception's line without a traceback, as programs that catch and print it leave."""
    for line in reversed(text[-20:]):
        found = re.match(r"^(?:fatal |critical )?((?:\w+\.){0,8}\w*(?:Error|Exception)): \S", line)
        if found is not None:
            return Failure(error=line.strip(), lines=(line,))
    return None
