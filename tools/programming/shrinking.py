"""Smaller commands that may fail in the same way: what a person would try first, first."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tools.logs.tracebacks import Failure

_SHELL = re.compile(r"[|<>$`*?(){}\n&;#~!\\]")
_INTEGER = re.compile(r"(--?[\w-]+=)?(\d{1,9})")
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?\.py(?:::\S.*?)?)(?: - .*)?$", re.MULTILINE)
_PYTEST = re.compile(r"\b(pytest|py\.test)\b")


@dataclass(frozen=True)
class Shrunk:
    """The smallest command that was found.

    Args:
        tried: how many others were run.
    """

    command: str
    tried: int


def smallest(
    command: str, output: str, failure: Failure, fails_alike: Callable[[str], bool], most: int
) -> Shrunk:
    """Takes smaller commands as long as they fail alike.

    Args:
        output: what the command printed; pytest names the tests that failed in it.
        failure: how it failed.
        fails_alike: runs a command.
        most: runs.
    """
    known = {command}
    tried = 0
    candidates = smaller(command, output, failure)
    while tried < most:
        candidate = next((c for c in candidates if c not in known), None)
        if candidate is None:
            break
        known.add(candidate)
        tried += 1
        if fails_alike(candidate):
            command = candidate
            candidates = smaller(command, "", failure)
    return Shrunk(command, tried)


def same_failure(one: Failure | None, other: Failure | None) -> bool:
    """Whether two failures are of the same kind, raised by the same function of the same file."""
    if one is None or other is None:
        return False
    return (_kind(one), one.file, one.function) == (_kind(other), other.file, other.function)


def _kind(failure: Failure) -> str:
    return failure.error.partition(":")[0].rpartition(".")[2]


def smaller(command: str, output: str, failure: Failure) -> Iterator[str]:
    """Commands that are smaller, the greatest steps first; never the command itself."""
    if _PYTEST.search(command):
        for test in dict.fromkeys(_FAILED.findall(output)):
            yield f"python -m pytest -q {shlex.quote(test)}"
    if failure.function == "<module>" and (module := _module(failure.file)):
        yield f"python -c {shlex.quote(f'import {module}')}"
    for separator in ("&&", ";"):
        parts = [part.strip() for part in command.split(separator)]
        if len(parts) > 1 and all(parts):
            joiner = f" {separator} " if separator == "&&" else "; "
            yield parts[-1]
            for index in range(len(parts)):
                yield joiner.join([*parts[:index], *parts[index + 1 :]])
    if not _SHELL.search(command):
        yield from _with_fewer_words(command)


def _with_fewer_words(command: str) -> Iterator[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    begin = _program(words)
    if _PYTEST.search(command):  # without the names of tests it would run them all
        words = [*words[:begin], *sorted(words[begin:], key=lambda word: not _names_a_test(word))]
        begin += sum(_names_a_test(word) for word in words[begin:])
    rest = words[begin:]
    size = len(rest)
    while size >= 1:  # halves, quarters … single words
        for start in range(0, len(rest), size):
            left = rest[:start] + rest[start + size :]
            yield shlex.join([*words[:begin], *left])
        size //= 2
    for index, word in enumerate(rest[:-1]):  # an option with its value
        if word.startswith("-") and not rest[index + 1].startswith("-"):
            yield shlex.join([*words[:begin], *rest[:index], *rest[index + 2 :]])
    for index, word in enumerate(rest):
        found = _INTEGER.fullmatch(word)
        if found is not None and int(found[2]) > 1:
            for value in dict.fromkeys((1, int(found[2]) // 2)):
                less = f"{found[1] or ''}{value}"
                yield shlex.join([*words[:begin], *rest[:index], less, *rest[index + 1 :]])


def _names_a_test(word: str) -> bool:
    return not word.startswith("-") and (".py" in word or "/" in word or "test" in word)


def _program(words: list[str]) -> int:
    """How many words name the program: variables, an interpreter with its options, a script."""
    at = 0
    while at < len(words) and re.match(r"\w+=", words[at]):
        at += 1
    if at < len(words) and re.fullmatch(r"(.*/)?python[\d.]*", words[at]):
        at += 1
        while at < len(words) and words[at].startswith("-") and words[at] not in ("-m", "-c"):
            at += 1
        at += at < len(words) and words[at] in ("-m", "-c")
    return at + 1


def _module(file: str) -> str:
    """How a file of the workspace is imported; empty for one that can't be."""
    path = file.removeprefix("/workspace/").removeprefix("./")
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    fits = path.endswith(".py") and all(re.fullmatch(r"[A-Za-z_]\w*", part) for part in parts)
    return ".".join(parts) if fits else ""
