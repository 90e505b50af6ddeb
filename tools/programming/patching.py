"""A unified diff's hunks applied to a text: the context must match, wherever it has moved to."""

from labcrew.line_breaks import is_crlf
from labcrew.unified_diff import FileDiff, Hunk
from tools.programming.replacement import numbered, places

_AROUND = 3
_SHOWN_LINES = 24


class NoPatch(ValueError):
    """A hunk does not fit; its message shows what stands there instead."""


def patched(text: str, diff: FileDiff) -> str:
    """The text after all hunks of a file, or none.

    A hunk's old lines must stand there exactly. Its header's line number is where they are looked
    for first; elsewhere they may stand only once. A line break at the end of the text is kept as it
    is unless the diff says otherwise.

    Raises NoPatch with the first hunk that fails.
    """
    crlf = is_crlf(text)
    plain = text.replace("\r\n", "\n") if crlf else text
    lines = plain.split("\n")
    ends = lines[-1] == ""  # a line break at the end leaves an empty piece behind it
    if ends:
        lines.pop()
    out: list[str] = []
    taken = drift = 0
    for number, hunk in enumerate(diff.hunks, 1):
        at = _place(lines, hunk, taken, drift, f"hunk {number} of {len(diff.hunks)}")
        if hunk.start is not None:
            drift = at - _expected(hunk)
        out += lines[taken:at]
        old = at
        for line in hunk.lines:
            if line.sign == " ":
                out.append(lines[old])
            elif line.sign == "+":
                out.append(line.text)
            old += line.sign != "+"
        taken = old
        if taken == len(lines):
            ends = _ends(hunk, ends)
    out += lines[taken:]
    result = "\n".join(out) + ("\n" if ends and out else "")
    return result.replace("\n", "\r\n") if crlf else result


def _ends(hunk: Hunk, before: bool) -> bool:
    """Whether the text ends in a line break after a hunk that reached its end."""
    marks = [line for line in hunk.lines if not line.ends]
    if not marks:
        return before if any(line.sign != "+" for line in hunk.lines) else True
    new = [line for line in hunk.lines if line.sign != "-"]
    return new[-1].ends if new else before


def _expected(hunk: Hunk) -> int:
    """The index of its first old line by its header; a hunk without any goes behind that line."""
    assert hunk.start is not None
    return hunk.start if not hunk.old else max(0, hunk.start - 1)


def _place(lines: list[str], hunk: Hunk, taken: int, drift: int, name: str) -> int:
    old = list(hunk.old)
    where = None if hunk.start is None else _expected(hunk) + drift
    if not old:
        if where is None and lines:
            raise NoPatch(
                f"{name} (line {hunk.at} of the diff) only adds lines, and neither its header nor a"
                " line of context says where"
            )
        return min(max(where or 0, taken), len(lines))
    last = len(lines) - len(old)
    if where is not None and taken <= where <= last and lines[where : where + len(old)] == old:
        return where
    found = [taken + index for index in places(lines[taken:], old)]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(str(index + 1) for index in found)
        raise NoPatch(
            f"{name} (line {hunk.at} of the diff) fits at several places, lines {numbers}, and none"
            " of them is where its header says; give more lines of context"
        )
    raise NoPatch(_no_fit(lines, old, where, hunk, name))


def _no_fit(lines: list[str], old: list[str], where: int | None, hunk: Hunk, name: str) -> str:
    start, agree = _best(lines, old, where)
    first_wrong = next(
        (i for i, line in enumerate(old) if start + i >= len(lines) or lines[start + i] != line), 0
    )
    begin = max(0, start - _AROUND)
    stands = lines[begin : min(len(lines), start + len(old) + _AROUND)][:_SHOWN_LINES]
    shown = numbered(stands, begin + 1) if stands else "(the file is empty)"
    return (
        f"{name} (line {hunk.at} of the diff) does not fit: {agree} of its {len(old)} old lines"
        f" match at line {start + 1}; the first that doesn't is\n      -\t{old[first_wrong]}\n"
        f"and there stands\n{shown}"
        + "\nSome lines of the file end in CRLF and others don't: write it whole."
        * any(line.endswith("\r") for line in stands)
    )


def _best(lines: list[str], old: list[str], where: int | None) -> tuple[int, int]:
    """Where most of the old lines match, nearest to what the header says, and how many do."""
    positions: dict[str, list[int]] = {}
    for index, line in enumerate(old):
        if line.strip():
            positions.setdefault(line, []).append(index)
    votes: dict[int, int] = {}
    for index, line in enumerate(lines):
        for offset in positions.get(line, ())[:20]:
            if index - offset >= 0:
                votes[index - offset] = votes.get(index - offset, 0) + 1
    expected = where or 0
    if not votes:
        return min(max(0, expected), max(0, len(lines) - 1)), 0
    start = min(votes, key=lambda at: (-votes[at], abs(at - expected), at))
    return start, sum(
        1 for i, line in enumerate(old) if start + i < len(lines) and lines[start + i] == line
    )
