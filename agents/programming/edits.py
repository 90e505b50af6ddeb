"""Edits as a model writes them in a fenced block: read, checked and applied to whole files.

Four forms are known: SEARCH/REPLACE blocks, lines quoted in one block and corrected in the next,
numbered lines (`12 | code`), and whole functions or classes. What can't be applied without doubt
is refused with a sentence for the model.
"""

import re
import textwrap
from collections.abc import Mapping

from agents.programming.source import (
    defined,
    leaves,
    lines_of,
    parsed,
    parts,
    with_definitions,
    without_last,
)
from labcrew.line_breaks import LineBreaks

MOST_CHARACTERS = 100_000
"""Of a reply that is read as an edit."""

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^\n`]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.M | re.S)
_SEARCH = re.compile(r"[ \t]*<{5,9} ?SEARCH")
_BY = re.compile(r"[ \t]*={5,9}[ \t]*$")
_REPLACE = re.compile(r"[ \t]*>{5,9} ?REPLACE")
_NUMBERED = re.compile(r"^[ \t]*(\d{1,6})[ \t]?\|(?: (.*)|)$")


class EditError(ValueError):
    """A reply that is no edit, or one that can't be applied; the text is told to the model."""


def edited(
    reply: str,
    files: Mapping[str, str],
    *,
    path: str = "",
    wanted: str = "",
    new: bool = False,
) -> dict[str, str]:
    """The files that a reply changes: path → whole new text; every Python file among them parses.

    Args:
        reply: the model's words.
        files: path → text of the files that may be changed.
        path: the file that was spoken of; numbered lines and new definitions go there.
        wanted: the dotted name of the function that was asked for.
        new: whether functions that `path` lacks may be added.

    Line breaks and byte-order marks stay as each file has them.

    Raises:
        EditError
    """
    breaks = {name: LineBreaks.of(text) for name, text in files.items()}
    plain = {name: breaks[name].off(text) for name, text in files.items()}
    changed = _edited(_plain(reply), plain, path, wanted, new)
    return {n: breaks[n].on(text) if n in breaks else text for n, text in changed.items()}


def _plain(reply: str) -> str:
    """A reply without CRLF, which a model may write, above all where it is shown some."""
    return reply.replace("\r\n", "\n")


def _edited(
    reply: str, files: Mapping[str, str], path: str, wanted: str, new: bool
) -> dict[str, str]:
    if len(reply) > MOST_CHARACTERS:
        raise EditError(f"The answer is longer than {MOST_CHARACTERS} characters.")
    fenced = [m.group(2) for m in _FENCE.finditer(reply)]
    blocks = _blocks(reply) or _quoted(fenced)
    if blocks:
        changed = _replaced(blocks, files, path)
    else:
        changed = _written(fenced or [reply], files, path, wanted, new)
    changed = {name: text for name, text in changed.items() if text != files.get(name)}
    if not changed:
        raise EditError("The answer changes nothing: it is the code as it stands, which is wrong.")
    for name, text in changed.items():
        if name.endswith(".py") and parsed(text) is None:
            raise EditError(f"With the change {name} is no valid Python.")
    return changed


def _blocks(reply: str) -> list[tuple[str, str]]:
    """The search and replace blocks: what is searched and what replaces it.

    Line by line: an expression over the whole text takes cubic time for one that never ends.
    """
    blocks: list[tuple[str, str]] = []
    old: list[str] = []
    new: list[str] = []
    into: list[str] | None = None
    for line in lines_of(reply):
        if into is None and _SEARCH.match(line):
            old, new = [], []
            into = old
        elif into is old and into is not None and _BY.match(line):
            into = new
        elif into is new and into is not None and _REPLACE.match(line):
            blocks.append(("".join(old), "".join(new)))
            into = None
        elif into is not None:
            into.append(line)
    return blocks


def guesses(reply: str, most: int) -> tuple[str, ...]:
    """The fenced blocks of a reply, each an edit of its own, as are two that quote lines and
    correct them; the whole reply where it has none.

    Args:
        most: how many are taken, the first ones.
    """
    reply = _plain(reply)
    if len(reply) > MOST_CHARACTERS or len(_blocks(reply)) > 1:
        return (reply,)
    found = list(_FENCE.finditer(reply))
    made, at = [], 0
    while at < len(found):
        pair = most > 1 and bool(_quoted([m.group(2) for m in found[at : at + 2]]))
        made.append("\n".join(m.group(0).rstrip("\n") for m in found[at : at + 1 + pair]) + "\n")
        at += 1 + pair
    return tuple(dict.fromkeys(made))[:most] or (reply,)


def _quoted(fenced: list[str]) -> list[tuple[str, str]]:
    """Lines quoted in one block and corrected in the next, as what is searched and what replaces
    it; none where they are anything else.
    """
    bare = len(fenced) == 2 and all(
        piece.strip() and not _numbered(piece) and not defined(textwrap.dedent(piece))
        for piece in fenced
    )
    return [(fenced[0], fenced[1])] if bare else []


def uncut(reply: str) -> str:
    """What stands whole in a reply that was cut off: its closed blocks, and of the last one the
    definitions before the one that it ends in. Empty where there is none.
    """
    reply = _plain(reply)[:MOST_CHARACTERS]
    found = list(_FENCE.finditer(reply))
    if not found:
        return ""
    last = found[-1]
    if last.group(0).rpartition("\n")[2].strip() == last[1]:
        return reply[: last.end()]
    whole = without_last(last.group(2))
    closed = f"{last.group(1)}python\n{whole}\n{last.group(1)}\n" if whole else ""
    return reply[: last.start()] + closed if closed or len(found) > 1 else ""


def read_test_file(reply: str) -> str:
    """The whole file of tests that a reply holds. Raises EditError."""
    reply = _plain(reply)
    pieces = [m.group(2) for m in _FENCE.finditer(reply[:MOST_CHARACTERS])] or [reply]
    text = max((textwrap.dedent(piece) for piece in pieces), key=len)
    if parsed(text) is None:
        raise EditError("The answer is no valid Python file.")
    if not any(name.startswith(("test_", "Test")) for name in defined(text)):
        raise EditError("The answer holds no function whose name begins with test_.")
    return text.rstrip() + "\n"


def _replaced(blocks: list[tuple[str, str]], files: Mapping[str, str], path: str) -> dict[str, str]:
    changed = dict(files)
    for old, new in blocks:
        if not old.strip():
            raise EditError("SEARCH is empty: copy the lines that are to be changed.")
        order = [path] if path in changed else []
        order += [name for name in changed if name != path]
        for name in order:
            after = _exchange(changed[name], old, new)
            if after is not None:
                changed[name] = after
                break
        else:
            raise EditError(
                "The SEARCH lines stand in no file, or more than once: copy them exactly, with a"
                " line before and after."
            )
    return changed


def _exchange(text: str, old: str, new: str) -> str | None:
    """The text with `old` exchanged for `new`: whole lines exactly once, or once but for the
    indentation, or else a part of a line.
    """
    once = text.count(old) == 1
    if once and (text.startswith(old) or f"\n{old}" in text):
        return text.replace(old, new)
    lines, wanted = text.split("\n"), old.rstrip("\n").split("\n")
    bare = [line.strip() for line in wanted]
    count = len(wanted)
    places = [
        i
        for i in range(len(lines) - count + 1)
        if [line.strip() for line in lines[i : i + count]] == bare
    ]
    if len(places) != 1:
        return text.replace(old, new) if once else None
    at = places[0]
    theirs = next((k for k in range(count) if bare[k]), 0)
    indent = _indent(lines[at + theirs])
    written = textwrap.dedent(new.rstrip("\n"))
    mine = written.split("\n") if written.strip() else []
    return "\n".join(
        [*lines[:at], *(indent + m if m.strip() else m for m in mine), *lines[at + count :]]
    )


def _written(
    pieces: list[str], files: Mapping[str, str], path: str, wanted: str, new: bool
) -> dict[str, str]:
    """The files with definitions exchanged, or else with numbered lines exchanged."""
    bare = [textwrap.dedent(_without_numbers(piece)) for piece in pieces]
    named = [name for piece in bare for name in defined(piece)]
    lines = {n: line for piece in pieces for n, line in _numbered(piece)}
    if not named or _break_off(pieces, bare, files, path):
        if lines and path in files:
            return {path: _with_lines(files[path], lines, path)}
        if all(parsed(piece) is None for piece in bare):
            raise EditError("The code in the answer is no valid Python.")
        raise EditError("The answer holds no code block with a whole function.")
    changed, placed = dict(files), False
    for piece in bare:
        order = [path] if path in changed else []
        order += [name for name in changed if name != path and name.endswith(".py")]
        afters = ((name, with_definitions(changed[name], piece, wanted)) for name in order)
        name, after = next(((n, a) for n, a in afters if a is not None), (path, None))
        if after is None and new and path in changed:
            after = with_definitions(changed[path], piece, wanted, new=True)
        if after is not None:
            changed[name], placed = after, True
    if not placed:
        raise EditError(f"No function or class of the files is called {', '.join(named[:3])}.")
    return changed


def _numbered(piece: str) -> list[tuple[int, str]]:
    found = (_NUMBERED.match(line) for line in piece.split("\n"))
    return [(int(m.group(1)), m.group(2) or "") for m in found if m is not None]


def _without_numbers(piece: str) -> str:
    """A text whose every line that is not blank has a number before it, without the numbers."""
    lines = [line for line in piece.split("\n") if line.strip()]
    numbered = _numbered(piece)
    return "\n".join(line for _, line in numbered) if len(numbered) == len(lines) else piece


def _break_off(pieces: list[str], bare: list[str], files: Mapping[str, str], path: str) -> bool:
    """Whether a piece is the first lines of a function, by their numbers, and not all of it: the
    function ends by leaving, and what was written doesn't. Every piece must have numbers: of others
    the lines would be lost.
    """
    if not all(_numbered(piece) for piece in pieces):
        return False
    functions = {part.first: part for part in parts(path, files.get(path, ""))}
    for piece, code in zip(pieces, bare, strict=True):
        numbers = [number for number, _ in _numbered(piece)]
        old = functions.get(numbers[0])
        if old is not None and numbers == list(range(old.first, min(old.last, numbers[-1] + 1))):
            return leaves(textwrap.dedent(old.text)) and not leaves(code)
    return False


def _with_lines(text: str, lines: Mapping[int, str], path: str) -> str:
    """The text with numbered lines exchanged; an indentation that was lost is put back."""
    old = text.split("\n")
    beyond = [n for n in lines if not 1 <= n <= len(old)]
    if beyond:
        raise EditError(f"{path} has no line {beyond[0]}.")
    plain = list(old)
    for number, line in lines.items():
        plain[number - 1] = line
    if parsed("\n".join(plain)) is not None:
        return "\n".join(plain)
    indented = list(old)
    for number, line in lines.items():
        before = old[number - 1]
        indented[number - 1] = _indent(before) + line.strip() if line.strip() else ""
    return "\n".join(indented)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
