"""Where the fault may be: the functions of a repository, ranked by what the failure and the
question name.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from agents.programming.source import Part, parts

_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|[a-z]+")
_COMMON_WORDS = (
    "and are as assert be but by def false for from had has have if in is it its none not of on or"
    " return self should test tests that the this to true was what when where which with"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_IN_TRACE, _LAST_OF_TRACE, _WORDS = 6.0, 9.0, 3.0
_CALLED, _OF_A_CALLED_CLASS, _CALLED_BY_CALLED = 4.0, 1.5, 2.0
_OF_A_NAMED_CLASS = 2.5
_NAME = re.compile(r"[A-Za-z_]\w*")


def ranked(
    files: Mapping[str, str],
    question: str,
    tests: Sequence[Part] = (),
    trace: Sequence[tuple[str, int]] = (),
) -> tuple[Part, ...]:
    """The functions of files, the likeliest first.

    A function counts that the traceback went through, that a failing test calls, that such a one
    calls, whose class the question names, and whose words it has.

    Args:
        files: path → text of what may be changed.
        question: the ticket's words.
        tests: the failing tests as they are written.
        trace: places of the traceback, outermost first.
    """
    found = [part for path, text in files.items() for part in parts(path, text)]
    named = frozenset(name for test in tests for name in test.names)
    called = {part for part in found if _short(part) in named or _makes(part) in named}
    second = frozenset(name for part in called for name in part.names)
    words = [_words(f"{part.path} {part.name} {part.text}") for part in found]
    asked = _words(question + " " + " ".join(test.name for test in tests))
    having = Counter(word for has in words for word in has)
    # A failure ends where the next one begins: in a test, which is not among the files.
    ends = [*trace[1:], ("", 0)]
    inner = [place for place, after in zip(trace, ends, strict=False) if after[0] not in files]
    spoken = frozenset(_NAME.findall(question))
    scores: dict[Part, float] = {}
    for part, has in zip(found, words, strict=True):
        score = 0.0
        score += _IN_TRACE * any(map(_holds(part), trace))
        score += _LAST_OF_TRACE * any(map(_holds(part), inner))
        if part in called:
            score += _CALLED
        if _owner(part) in named and part not in called:
            score += _OF_A_CALLED_CLASS
        if _owner(part) in spoken:
            score += _OF_A_NAMED_CLASS
        if _short(part) in second:
            score += _CALLED_BY_CALLED
        # A word that few functions have says more.
        shared = sum(1.0 / having[word] for word in asked & has)
        scores[part] = score + _WORDS * min(shared, 1.0)
    return tuple(sorted(found, key=lambda part: -scores[part]))


def in_order(files: Mapping[str, str]) -> tuple[Part, ...]:
    """The functions of files by path and line: what is shown without any search."""
    return tuple(part for path in sorted(files) for part in parts(path, files[path]))


def _holds(part: Part) -> Callable[[tuple[str, int]], bool]:
    return lambda place: place[0] == part.path and part.first <= place[1] <= part.last


def _short(part: Part) -> str:
    return part.name.rpartition(".")[2]


def _makes(part: Part) -> str:
    """The class that a part makes objects of."""
    return _owner(part) if _short(part) == "__init__" else ""


def _owner(part: Part) -> str:
    return part.name.partition(".")[0] if "." in part.name else ""


def _words(text: str) -> frozenset[str]:
    return frozenset(w for m in _WORD.findall(text) if len(w := m.lower()) > 2) - _COMMON
