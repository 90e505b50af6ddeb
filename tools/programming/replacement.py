"""Exact replacement in a text: the old text must stand there once, and errors help to find it."""

import re
from difflib import SequenceMatcher

from labcrew.line_breaks import is_crlf

_SHOWN_PLACES = 3
_SHOWN_LINES = 12
_LEAST_RATIO = 0.6
_WINDOWS = 4000
_COMPARED_WINDOWS = 40
_COMPARED_CHARACTERS = 800
_COMPARED_LINES = 100
_ABOVE = 20
_NUMBERED = re.compile(r"^ *\d+[\t|:]", re.MULTILINE)


class NoReplacement(ValueError):
    """The replacement can't be made; its message says why and what stands there."""


def replaced(text: str, old: str, new: str) -> str:
    """The text with `old`, which stands there exactly once, replaced by `new`.

    Line breaks are compared as the text has them: where all of its lines end in CRLF, `old` and
    `new` are taken so too.

    Raises NoReplacement.
    """
    if is_crlf(text):
        old, new = (part.replace("\r\n", "\n").replace("\n", "\r\n") for part in (old, new))
    if not old:
        raise NoReplacement("old is empty: name the text to replace, or write the whole file")
    if old == new:
        raise NoReplacement("old and new are the same text: nothing would change")
    count = _count(text, old)
    if count == 1:
        return text.replace(old, new, 1)
    if count > 1:
        numbers = ", ".join(str(number) for number in _places(text, old)[:20])
        raise NoReplacement(
            f"old stands there {count} times, at lines {numbers}; give more of the lines around"
            " the one you mean, so that it stands there once"
        )
    raise NoReplacement(_not_found(text, old))


def numbered(lines: list[str], first: int) -> str:
    """Lines with their numbers in front, as all tools show them."""
    return "\n".join(f"{first + index:>5}\t{line}" for index, line in enumerate(lines))


def places(lines: list[str], wanted: list[str], most: int = 20) -> list[int]:
    """The indices at which some lines stand among others, at most so many.

    By a search in the joined text, whose time grows with the lengths' sum and not their product.
    """
    if not lines:  # joined, they would read as one empty line
        return []
    joined, needle = "\n" + "\n".join(lines) + "\n", "\n" + "\n".join(wanted) + "\n"
    found: list[int] = []
    line = begin = 0
    at = joined.find(needle)
    while at >= 0 and len(found) < most:
        line, begin = line + joined.count("\n", begin, at), at
        found.append(line)
        at = joined.find(needle, at + 1)
    return found


def _count(text: str, old: str) -> int:
    """How often it stands there, overlapping ones counted: each could be meant."""
    count = start = 0
    while (start := text.find(old, start)) >= 0 and count < 1000:
        count, start = count + 1, start + 1
    return count


def _places(text: str, old: str) -> list[int]:
    found: list[int] = []
    start = 0
    while (start := text.find(old, start)) >= 0 and len(found) < 1000:
        found.append(text.count("\n", 0, start) + 1)
        start += 1
    return found


def _not_found(text: str, old: str) -> str:
    if _NUMBERED.match(old) and all(_NUMBERED.match(line) for line in old.split("\n") if line):
        return "old does not stand there: it begins with line numbers, which are no part of files"
    lines, wanted = text.split("\n"), old.strip("\r\n").split("\n")
    spaced = _alike_but_for_space(lines, wanted)
    if spaced:
        why = "old does not stand there exactly; with other spaces or indentation it does:"
        return _with_places(why, lines, spaced, len(wanted))
    near = _near(lines, wanted)
    if near:
        return _with_places(
            "old does not stand there. The nearest lines are:", lines, near, len(wanted)
        )
    return "old does not stand there, and nothing like it; read the file again"


def _with_places(why: str, lines: list[str], places: list[int], height: int) -> str:
    shown = [
        numbered(lines[place : place + min(height, _SHOWN_LINES)], place + 1)
        for place in places[:_SHOWN_PLACES]
    ]
    return "\n".join([why, "\n  …\n".join(shown)])


def _alike_but_for_space(lines: list[str], wanted: list[str]) -> list[int]:
    bare = ["".join(line.split()) for line in wanted]
    if not any(bare):
        return []
    return places(["".join(line.split()) for line in lines], bare)


def _near(lines: list[str], wanted: list[str]) -> list[int]:
    """Where the most alike lines begin, best first, none overlapping."""
    height = len(wanted)
    target = "\n".join(line.strip() for line in wanted)[:_COMPARED_CHARACTERS]
    starts = range(max(1, len(lines) - height + 1))
    if len(starts) > _WINDOWS:
        known = {line.strip() for line in wanted if len(line.strip()) > 3}
        hits = [i for i, line in enumerate(lines) if line.strip() in known][:_WINDOWS]
        above = {max(0, hit - up) for hit in hits for up in range(min(height, _ABOVE))}
        candidates = sorted(above)[:_WINDOWS]
    else:
        candidates = list(starts)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(target)
    scored: list[tuple[float, int]] = []
    for start in candidates:
        matcher.set_seq1(_window(lines, start, height))
        if matcher.real_quick_ratio() >= _LEAST_RATIO:
            scored.append((matcher.quick_ratio(), start))
    # The exact comparison takes long: for the likeliest alone.
    likely = sorted(scored, key=lambda item: (-item[0], item[1]))[:_COMPARED_WINDOWS]
    scored = []
    for _, start in likely:
        matcher.set_seq1(_window(lines, start, height))
        if (ratio := matcher.ratio()) >= _LEAST_RATIO:
            scored.append((ratio, start))
    chosen: list[int] = []
    for _, start in sorted(scored, key=lambda item: (-item[0], item[1])):
        if all(abs(start - other) >= height for other in chosen):
            chosen.append(start)
        if len(chosen) == _SHOWN_PLACES:
            break
    return chosen


def _window(lines: list[str], start: int, height: int) -> str:
    part = lines[start : start + min(height, _COMPARED_LINES)]
    return "\n".join(line.strip() for line in part)[:_COMPARED_CHARACTERS]
