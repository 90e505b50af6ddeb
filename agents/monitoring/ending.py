"""How a run ended, in words: exit codes, signals, tracebacks and their cause. Pure."""

import re
import signal
from collections.abc import Sequence

from labcrew.domain.monitoring import Alarm, IncidentKind
from tools.logs.reader import LogReader
from tools.logs.tracebacks import Failure, failure
from tools.metric_names import role

_LINE, _LINES, _EVIDENCE = 2000, 400, 12
_LAST_LINES = 20
_TELLING = 300

MEMORY_WORDS = re.compile(
    r"CUDA out of memory\. Tried|CUDA error: out of memory|OutOfMemoryError\b|"
    r"^\s*(?:numpy\S*\.)?_?(?:ArrayMemoryError|MemoryError)\b|"
    r"Unable to allocate .{1,80} for an array|"
    r"std::bad_alloc|CUBLAS_STATUS_ALLOC_FAILED|RESOURCE_EXHAUSTED: .{0,80}(?:memory|allocat)|"
    r"DefaultCPUAllocator: (?:can't|not enough)|Cannot allocate memory|"
    r"Out of memory: Killed process|oom-kill",
    re.IGNORECASE,
)
"""Words that surely tell of memory that ran out."""

STORAGE_WORDS = re.compile(
    r"No space left on device|Errno 28\]|Disk quota exceeded|Errno 122\]|"
    r"database or disk is full",
    re.IGNORECASE,
)
"""Words that surely tell of a full disk."""

_FROM_OUTSIDE = (137, 143, -9, -15)
"""SIGKILL and SIGTERM."""
_CODES = {
    1: "an error",
    2: "wrong arguments or a shell error",
    126: "a command that may not be run",
    127: "a command that isn't there",
    255: "no exit code that means anything",
}
_HINTS: tuple[tuple[str, str], ...] = (
    ("ModuleNotFoundError", "a module is missing from its environment"),
    ("ImportError", "something can't be imported from its environment"),
    ("AssertionError", "an assertion of its own code failed"),
    ("FileNotFoundError", "a file isn't there"),
    ("PermissionError", "it may not open or write a file"),
    ("ConnectionError", "it wanted the network"),
    ("gaierror", "it wanted the network"),
    ("KeyboardInterrupt", "it was interrupted"),
)


def ended(
    exit_code: int | None, out_of_memory: bool, workspace_full: bool, tail: Sequence[str]
) -> Alarm | None:
    """What is wrong with a run that has ended; None where it ended well or it can't be known.

    A run that ended well but wrote of an error is not judged by its words; one whose exit code
    nobody knows has failed where a failure is the last that it told of, and no training after it.

    Args:
        exit_code: as the engine reports it; None where it isn't known.
        out_of_memory: whether the kernel ended it for its memory.
        workspace_full: whether its workspace has no room left.
        tail: the newest lines, oldest first: untrusted, only quoted, and capped.
    """
    lines = tuple(line[:_LINE] for line in tail[-_LINES:])
    if out_of_memory:
        return _alarm("out_of_memory", "the kernel ended it: it was out of memory", 1.0, lines)
    if exit_code is None and (not failed_last(lines) or _trained_on(lines)):
        return None
    if exit_code == 0:
        if not workspace_full:
            return None
        return _alarm("storage_full", "it ended, and its workspace is full", 0.9, lines)
    end = "it ended" if exit_code is None else _code(exit_code)
    failed = failure(lines)
    said = _last_matching(MEMORY_WORDS, lines, failed)
    if said and not _matches(STORAGE_WORDS, failed):
        return _alarm("out_of_memory", f"{end}: {said}", 0.95, lines, failed)
    if workspace_full:
        return _alarm("storage_full", f"{end}: its workspace is full", 1.0, lines, failed)
    said = _last_matching(STORAGE_WORDS, lines, failed)
    if said:
        return _alarm("storage_full", f"{end}: {said}", 0.95, lines, failed)
    if failed is not None:
        return _alarm("crashed", f"{end}: {_told(failed)}", 0.95, lines, failed)
    if exit_code in _FROM_OUTSIDE:
        return _alarm(
            "crashed", f"{end}: something ended it from outside, it printed no error", 0.6, lines
        )
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return _alarm(
        "crashed", f"{end}: {last[:_TELLING] if last else 'it printed nothing'}", 0.8, lines
    )


def failed_last(tail: Sequence[str]) -> bool:
    """Whether a failure is the last that a run told of; one that it got over stands further up.

    Args:
        tail: the newest lines, oldest first.
    """
    failed = failure(tail)
    return failed is not None and any(failed.error in line for line in tail[-_LAST_LINES:])


def _trained_on(lines: Sequence[str]) -> bool:
    """Whether a line of training stands behind the last failure.

    A bar is none: it is drawn once more when it is closed.
    """
    failed = failure(lines)
    if failed is None:
        return False
    last = max((at for at, line in enumerate(lines) if failed.error in line), default=0)
    return any(
        seen.done is None
        and (seen.step is not None or seen.epoch is not None)
        and any(role(name) != "other" for name in seen.numbers)
        for line in lines[last + 1 :]
        for seen in LogReader().feed(f"{line}\n", 0.0)
    )


def _code(code: int) -> str:
    number = code - 128 if 128 < code < 160 else -code if -65 < code < 0 else 0
    if number:
        try:
            name = signal.Signals(number)
        except ValueError:
            return f"it ended with exit code {code}"
        words = signal.strsignal(name) or ""
        return f"it ended with exit code {code} ({name.name}: {words.lower()})"
    meaning = _CODES.get(code)
    return f"it ended with exit code {code}" + (f" ({meaning})" if meaning else "")


def _told(failed: Failure) -> str:
    where = f" at {failed.file}:{failed.line} in {failed.function}" if failed.file else ""
    worker = " in a worker of the data loader" if failed.worker else ""
    hint = next((words for name, words in _HINTS if name in failed.error.split(":")[0]), "")
    cause = f"; it came from {failed.cause}" if failed.cause else ""
    return f"{failed.error[:_TELLING]}{where}{worker}{cause}" + (f" ({hint})" if hint else "")


def _matches(words: re.Pattern[str], failed: Failure | None) -> bool:
    return failed is not None and bool(words.search(failed.error) or words.search(failed.cause))


def _last_matching(words: re.Pattern[str], lines: Sequence[str], failed: Failure | None) -> str:
    """The line that tells it: the failure's own, else one of the last."""
    if failed is not None:
        text = failed.cause if words.search(failed.cause) else failed.error
        return text[:_TELLING] if words.search(text) else ""
    return next(
        (line.strip()[:_TELLING] for line in reversed(lines[-_EVIDENCE:]) if words.search(line)),
        "",
    )


def _alarm(
    kind: IncidentKind,
    diagnosis: str,
    confidence: float,
    lines: tuple[str, ...],
    failed: Failure | None = None,
) -> Alarm:
    shown = failed.lines if failed is not None else lines
    return Alarm(
        kind=kind,
        diagnosis=diagnosis,
        confidence=confidence,
        lines=tuple(line[:_TELLING] for line in shown[-_EVIDENCE:] if line.strip()),
    )
