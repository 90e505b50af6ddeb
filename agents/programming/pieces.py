"""A change in pieces that can be taken out one by one, and the search for those that it needs."""

import difflib
import itertools
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.programming.critique import unfit
from agents.programming.names import unmade
from agents.programming.source import parsed, statements

_ALIKE = 0.6
"""From this share of characters in common on, one statement is taken for another rewritten."""
_MOST_COMPARED = 1000


@dataclass(frozen=True)
class Piece:
    """One place of a change.

    Args:
        path: the file.
        line: the first line of the old text that it takes the place of, from 1.
        start: where that begins, in characters.
        old: the text that it takes the place of; empty where it only adds.
        new: the text that it puts there; empty where it only takes out.
    """

    path: str
    line: int
    start: int
    old: str
    new: str


def pieces(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Piece, ...]:
    """The places in which files differ; no two of them overlap, and none cuts a statement in two.

    A statement that takes the place of one that is like it is a piece, as is each of as many as
    they take the place of; else what stands together is one, as is a new file.

    Args:
        before: path → text; what it lacks is a new file.
        after: path → text of the files that may differ.
    """
    found: list[Piece] = []
    for path, text in sorted(after.items()):
        if path in before:
            found += _differing(path, before[path], text)
        else:
            found.append(Piece(path, 1, 0, "", text))
    return tuple(found)


def _differing(path: str, before: str, after: str) -> Iterator[Piece]:
    old, new = statements(before), statements(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        at = first
        for gone, come in _paired(old[first:last], new[begin:end]):
            ahead = "".join(old[:at])
            yield Piece(path, ahead.count("\n") + 1, len(ahead), "".join(gone), "".join(come))
            at += len(gone)


_Statements = tuple[str, ...]


def _paired(old: _Statements, new: _Statements) -> Iterator[tuple[_Statements, _Statements]]:
    """Which statements take the place of which, in their order: like of like, the likest first."""
    best, i, j = _likest(old, new)
    if best >= _ALIKE and len(old) + len(new) > 2:
        yield from _paired(old[:i], new[:j])
        yield old[i : i + 1], new[j : j + 1]
        yield from _paired(old[i + 1 :], new[j + 1 :])
    elif len(old) == len(new):
        yield from ((old[n : n + 1], new[n : n + 1]) for n in range(len(old)))
    elif old or new:
        yield old, new


def _likest(old: _Statements, new: _Statements) -> tuple[float, int, int]:
    if len(old) * len(new) > _MOST_COMPARED:
        return 0.0, 0, 0
    likeness = (
        (difflib.SequenceMatcher(None, a.strip(), b.strip(), autojunk=False).ratio(), i, j)
        for i, a in enumerate(old)
        for j, b in enumerate(new)
    )
    return max(likeness, default=(0.0, 0, 0))


def together(before: Mapping[str, str], chosen: Iterable[Piece]) -> dict[str, str]:
    """The files with some of a change's pieces: path → text of those that differ."""
    files = dict(before)
    # From the end on; what is only added stands before what takes the place of the text behind it.
    for piece in sorted(chosen, key=lambda piece: (piece.start, bool(piece.old)), reverse=True):
        text, end = files.get(piece.path, ""), piece.start + len(piece.old)
        files[piece.path] = text[: piece.start] + piece.new + text[end:]
    return {path: text for path, text in files.items() if before.get(path) != text}


def stands(before: Mapping[str, str], whole: Mapping[str, str], part: Mapping[str, str]) -> bool:
    """Whether a part of a change is worth a run of the tests: it parses, takes no function out, and
    lacks no name that it speaks of, which tests see only where they come by.

    Args:
        before: path → text without the change.
        whole: path → text of the files of the change.
        part: the same with some of its pieces.
    """
    if any(path.endswith(".py") and parsed(text) is None for path, text in part.items()):
        return False
    if unfit(before, part):
        return False
    old = {path: before.get(path, "") for path in whole}
    return unmade({**old, **part}, (old, whole)) <= unmade(whole, (old, whole))


def minimal(count: int) -> Generator[frozenset[int], bool, None]:
    """The search for pieces that are all needed: ddmin of Zeller and Hildebrandt, Simplifying and
    isolating failure-inducing input, IEEE Transactions on Software Engineering 28(2), 2002.

    Yields sets of numbers that are worth a try, never an empty one or the same twice, and is sent
    whether all is well with them alone. At its end the last one of which it was told so (all, if
    there was none) can't do without any single one of its numbers.

    Args:
        count: of the pieces; all of them together are known to do.
    """
    kept, ways = tuple(range(count)), 2
    failed: set[frozenset[int]] = set()
    while len(kept) > 1:
        for part, then in _parts(kept, min(ways, len(kept))):
            tried = frozenset(part)
            if tried in failed:
                continue
            if (yield tried):
                kept, ways = part, then
                break
            failed.add(tried)
        else:
            if ways >= len(kept):
                return
            ways *= 2


def _parts(kept: Sequence[int], ways: int) -> Iterable[tuple[tuple[int, ...], int]]:
    """Each of so many shares by itself, then all but each; and in how many to divide it next."""
    cuts = [len(kept) * n // ways for n in range(ways + 1)]
    shares = [tuple(kept[a:b]) for a, b in itertools.pairwise(cuts)]
    for share in shares:
        yield share, 2
    for share in shares:
        yield tuple(n for n in kept if n not in share), max(ways - 1, 2)


def account(taken: Collection[Piece], characters: int) -> tuple[str, ...]:
    """What was taken out of a change, in a line a piece.

    Args:
        characters: most of a line's code.
    """
    told = []
    for piece in taken:
        written, gone = " ".join(piece.new.split()), " ".join(piece.old.split())
        shown = written or (f"without {gone}" if gone else "blank lines")
        cut = f"{shown[:characters].rstrip()} …" if len(shown) > characters else shown
        told.append(f"Taken out of {piece.path}:{piece.line}, all tests pass without it: {cut}")
    return tuple(told)
