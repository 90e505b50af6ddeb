"""The numbers that a line of output shows, each with its name and a pattern that reads it again."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Split = Literal["train", "validation", "test", "unknown"]

_DIGITS = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|NaN|inf)"
_AFTER = r"(?!\w|[.,]\d)"
GROUP = rf"({_DIGITS}){_AFTER}"
"""A number in a pattern; one with thousands set apart is none, for half of it would be read."""
FOUND = re.compile(rf"(?<![\w.^])(?<!\w-)(?<!\d,)(?:{_DIGITS}){_AFTER}")
NUMBER = rf"(?:{_DIGITS})"
_BREAK = re.compile(r"[,;|\[\]{}!?│┃║\t]| {2,}| [-\u2013—] |\. (?=[A-Z])|=>|->|[()](?=.*)")
_WRAPPED = re.compile(r"(?:(?:np|numpy|torch|jnp)\.\w+\(|tensor\(|array\(|float\d*\()\[?$")
_TAIL = re.compile(r"[\s:=~≈≃│┃|>\-\u2013—'\"\[({$£€*`]+$")
_HEAD = re.compile(r"^[\s:=│┃|<>\-\u2013—'\"\])}*#`.]+")
_NOISE = re.compile(r"^(?:(?:INFO|DEBUG|WARNING|WARN|ERROR|root|I|W)\b[\s:\]-]*)+")
_FILLER = re.compile(r"\s+(?:is|was|of|at|are|equals?)$", re.IGNORECASE)
_FOLLOWING = re.compile(
    r"\s*%?\s+((?!with|in|of|for|and|after|on|at|to|or|s |ms |it |x )[A-Za-z]\w*"
    r"(?: (?!with|in|of|for|and|after|on|at|is|was)[A-Za-z]\w*){0,2})\b"
)
_TOTAL = re.compile(r"\s*(?:/|(?:out\s+)?of(?:\s+the)?)\s*")
_COUNTED = re.compile(r"\s+(?:out\s+)?of\s+(?:the\s+)?\d+\s+([A-Za-z]\w*(?: [A-Za-z]\w*){0,2})")
_WHEN = re.compile(
    r"\s+(?:after|at|in|over|on|for|with|using|from)\s+"
    r"(?:(?:epoch|step|iteration|iter|round|generation|gen)s?\s+)?$",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"(?:epoch|step|iteration|iter|round|generation|gen)s?\s+$", re.IGNORECASE)
_UNIT = re.compile(r"\s*[A-Za-z%][\w %-]{0,30}\s*[:=]\s*")
_LIST = re.compile(r"\s*[,\s]\s*[-+]?\.?\d")
_WORD = re.compile(r"[A-Za-z]+")
_SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "fit"), "train"),
    **dict.fromkeys(
        ("val", "valid", "validation", "dev", "eval", "evaluation", "cv", "oob", "crossval",
         "cross", "validate", "vld"),
        "validation",
    ),
    **dict.fromkeys(("test", "testing", "holdout", "heldout", "unseen", "tst"), "test"),
}  # fmt: skip
_LONGEST_PREFIX, _LONGEST_NAME, _MOST_NUMBERS = 240, 80, 64


@dataclass(frozen=True)
class Reading:
    """Where a number stands in lines of one form.

    Args:
        name: as the program calls it; empty: it stands alone.
        index: which of the line's numbers, from 0.
        split: on which data, by the words before it.
        patterns: regular expressions with one group, the plainest first.
        anchor: a word that the line must hold for any of them to fit.
    """

    name: str
    index: int
    split: Split
    patterns: tuple[str, ...]
    anchor: str = ""


def split_of(text: str) -> Split:
    """On which data a number is computed, by the last word that says so."""
    found: Split = "unknown"
    for word in _words(text):
        found = _SPLITS.get(word, found)
    return found


def _words(text: str) -> Iterator[str]:
    for whole in _WORD.findall(text):
        for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", whole):
            yield word.lower()


def form(line: str) -> str:
    """A line without its numbers: lines of one form have the same names."""
    return FOUND.sub("\0", line)


def numbers(line: str) -> list[float]:
    """The numbers of a line in their order, NaN and infinities among them."""
    return [float(found) for found in FOUND.findall(line)[:_MOST_NUMBERS]]


def generalised(text: str) -> str:
    """A pattern that fits a text with other numbers and other spaces in it."""
    parts: list[str] = []
    for index, piece in enumerate(re.split(f"({FOUND.pattern})", text)):
        if index % 2:
            parts.append(NUMBER)
        else:
            words = re.split(r"(\s+)", piece)
            parts += [r"\s+" if word.isspace() else re.escape(word) for word in words]
    return "".join(parts).replace(r"\ ", " ")


def readings(line: str) -> list[Reading]:
    """What a line's numbers are called."""
    spans = [found.span() for found in FOUND.finditer(line)][:_MOST_NUMBERS]
    found: list[Reading] = []
    previous = ""
    for index, (start, end) in enumerate(spans):
        before = line[spans[index - 1][1] : start] if index else ""
        if index and _TOTAL.fullmatch(before):
            continue
        begin = _begin(line, start, spans[:index])
        raw = line[begin:start]
        name = _name(raw)
        if _in_list(line, start, end) or _qualifies(line, spans, index):
            continue
        if index and _qualifies(line, spans, index - 1):
            # "validation loss after 300 steps: 0.12": the first number says when, not how good.
            first = spans[index - 1][0]
            begin = _begin(line, first, spans[: index - 1])
            name = _name(_WHEN.sub("", line[begin:first]))
        if not name and index == 0 and (counted := _COUNTED.match(line[end:])):
            words = " ".join(counted[1].split())
            total = rf"\s+(?:out\s+)?of\s+(?:the\s+)?{NUMBER}\s+{generalised(words)}\b"
            pattern = rf"({_DIGITS})(?={total})"
            found.append(Reading(words, 0, split_of(words), (pattern,), words.split()[0]))
            continue
        if not name and index == 0 and not line[:start].strip(" :=>-*"):
            if after := _FOLLOWING.match(line, end):
                words = " ".join(after[1].split())
                pattern = rf"({_DIGITS})(?=\s*%?\s*{generalised(words)}\b)"
                found.append(Reading(words, 0, split_of(words), (pattern,), words.split()[0]))
            continue
        if not name and previous and re.fullmatch(r"\s*[:=]\s*", line[spans[index - 1][1] : start]):
            name, begin = f"{previous} n", line.rfind(previous, 0, start)
            begin = max(begin, 0)
        else:
            previous = name
        if name:
            found.append(_reading(line, name, index, begin, start))
    return found


def _qualifies(line: str, spans: list[tuple[int, int]], index: int) -> bool:
    """Whether a number only says after what, in what or for what the next one was taken."""
    if index + 1 >= len(spans) or not _WHEN.search(line[: spans[index][0]]):
        return False
    between = line[spans[index][1] : spans[index + 1][0]]
    if _MOMENT.search(line[: spans[index][0]]):
        return bool(re.fullmatch(r"\s*[:=]\s*", between))
    return bool(_UNIT.fullmatch(between))


def _reading(line: str, name: str, index: int, begin: int, start: int) -> Reading:
    own = split_of(name)
    split = own if own != "unknown" else split_of(line[:begin])
    slice_ = line[begin:start]
    skipped = len(slice_) - len(slice_.lstrip(" \t:=│┃|<>-\u2013—\"'])}*#`."))
    phrase = slice_[skipped:]
    edge = r"(?<![\w/.-])" if phrase[:1].isalnum() or phrase[:1] == "_" else ""
    loose = re.sub(r"(?:\\s\+)+$", r"\\s*", generalised(phrase))
    patterns = [f"{edge}{loose}{GROUP}"]
    if start <= _LONGEST_PREFIX:
        patterns.append(f"^{generalised(line[:start])}{GROUP}")
        if line[:start].lstrip() != line[:start]:
            patterns.append(rf"^\s*{generalised(line[:start].lstrip())}{GROUP}")
    anchor = max(re.findall(r"[^\W\d]+", phrase), key=len, default="")
    return Reading(name, index, split, tuple(patterns), anchor)


def _begin(line: str, start: int, earlier: list[tuple[int, int]]) -> int:
    """Where the words that name a number begin."""
    masked = _without_brackets(line[:start])
    begin = max((end for _, end in earlier if masked[end - 1 : end] != "\0"), default=0)
    core = _TAIL.sub("", _WRAPPED.sub("", masked[begin:]))
    breaks = [found.end() for found in _BREAK.finditer(core) if found.end() < len(core)]
    at = breaks[-1] if breaks else 0
    colon = core.rfind(":", at)
    if colon >= 0:
        at = colon + 1
    tail = masked[begin + len(core) :]
    if tail.startswith("="):  # key=value: the key is one word
        at = max(at, *(core.rfind(mark, at) + 1 for mark in (" ", "=")))
    return begin + at


def _in_list(line: str, start: int, end: int) -> bool:
    """Whether a number opens a list of numbers: none of them alone is what the list is called."""
    return line[:start].rstrip().endswith(("[", "(")) and bool(_LIST.match(line, end))


def _without_brackets(text: str) -> str:
    """A text with what stands in closed round brackets blotted out, place by place."""
    return re.sub(r"(?<!\w)\([^()]*\)|(?<=\w)\([^()]*\)", lambda f: "\0" * len(f[0]), text)


def _name(raw: str) -> str:
    text = re.sub(r"\([^()]*\d[^()]*\)", " ", raw)
    text = _TAIL.sub("", _WRAPPED.sub("", text))
    text = _NOISE.sub("", _HEAD.sub("", text))
    text = " ".join(_FILLER.sub("", text.rstrip()).split()).strip("'\"`")
    if not re.search(r"[^\W\d_]", text):
        return ""
    words = text.split(" ")
    return (" ".join(words[-6:]) if len(words) > 8 else text)[:_LONGEST_NAME].strip()


def json_numbers(line: str) -> dict[str, float]:
    """The numbers of a line that is a JSON object, with dotted names; empty for any other."""
    text = line.strip()
    if not text.startswith("{"):
        return {}
    try:
        return dict(_flat(json.loads(text), ""))
    except (ValueError, RecursionError):
        return {}


def _flat(value: Any, prefix: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in list(value.items())[:200]:
            yield from _flat(inner, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool) and prefix:
        try:
            yield prefix[:_LONGEST_NAME], float(value)
        except OverflowError:
            return


def json_reading(name: str) -> Reading:
    """How a number of a JSON line is read again."""
    key = json.dumps(name.rpartition(".")[2])
    whole = json.dumps(name)
    patterns = [rf"{re.escape(spelt)}:\s*{GROUP}" for spelt in dict.fromkeys((whole, key))]
    return Reading(name, 0, split_of(name), tuple(patterns), "")
