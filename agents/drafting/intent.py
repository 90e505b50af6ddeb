"""What a person's sentence asks for: which number, which way, on which data, within what."""

import re
from typing import Literal

from pydantic import Field

from agents.drafting.directions import SPLIT_WORDS, Direction, named, words_of
from labcrew.domain.base import Model


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DOWN = _set(
    "lower lowers lowest low reduce reduces reducing reduced minimise minimize minimising"
    " minimizing minimum minimal decrease decreases decreasing cut shrink less lessen"
    " smaller smallest small least fewer fewest shorten shorter drop drops halve eliminate"
    " avoid remove down"
)
_UP = _set(
    "raise raises raising increase increases increasing maximise maximize maximising"
    " maximizing maximum maximal higher highest high boost more greater greatest larger"
    " largest grow lift up push double"
)
_BETTER = _set(
    "improve improves improving better best optimise optimize optimal tune good enhance fix"
    " help strengthen"
)
_MEANT: dict[str, tuple[str, Direction]] = {
    "accurate": ("accuracy", "maximize"),
    "accurately": ("accuracy", "maximize"),
    "correctly": ("accuracy", "maximize"),
    "precise": ("precision", "maximize"),
    "sensitive": ("recall", "maximize"),
    "faster": ("time", "minimize"),
    "fast": ("time", "minimize"),
    "quicker": ("time", "minimize"),
    "quick": ("time", "minimize"),
    "quickly": ("time", "minimize"),
    "slow": ("time", "minimize"),
    "inaccurate": ("accuracy", "maximize"),
    "misclassify": ("error", "minimize"),
    "mistake": ("error", "minimize"),
    "wrongly": ("error", "minimize"),
    "overfit": ("loss", "minimize"),
    "overfits": ("loss", "minimize"),
    "converge": ("loss", "minimize"),
}
"""Words that name no number but mean one, and its better way."""
_ENDS = _set(
    "within under with without while when whilst using by but keeping and then so in after"
    " at before because via through if unless except for"
)
_LINKS = {"the", "a", "an", "of", "its", "our", "my", "this", "that", "on", "to", "as", "it", "get"}
_NUMBER = r"(\d+(?:\.\d+)?|half an|an?|one|two|three|four|five|six|eight|ten|twelve|twenty)"
_AT_MOST = r"(?:at most|no more than|up to|only|max(?:imum)?|under|less than|fewer than)"
_SPELT = {
    **{"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0},
    **{"six": 6.0, "eight": 8.0, "ten": 10.0, "twelve": 12.0, "twenty": 20.0, "half an": 0.5},
}
_HOURS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600, "d": 24.0}


class Intent(Model):
    """A sentence, understood as far as words go."""

    metric: tuple[str, ...] = Field(
        default=(), description="usual names of the metrics that it speaks of, first ones first"
    )
    words: tuple[str, ...] = Field(
        default=(), description="of what is to get better, those for a direction left out"
    )
    direction: Direction | None = Field(
        default=None, description="as the words say it, of the number they speak of"
    )
    better: bool = Field(default=False, description="it asks for better, and doesn't say which way")
    split: Literal["train", "validation", "test"] | None = None
    hours: float | None = Field(default=None, gt=0, description="at most this long")
    trials: int | None = Field(default=None, gt=0, description="at most so many runs")
    mentions: tuple[str, ...] = Field(
        default=(), description="files, options and other names that it spells as code"
    )


def understood(sentence: str) -> Intent:
    """What a sentence says, in a person's words or a program's; nothing is made up.

    Args:
        sentence: e.g. "lower the test loss of train.py within 2 hours, at most 30 runs".
    """
    text = " ".join(sentence.split())[:2000]
    mentions = _mentions(text)
    hours, trials, rest = _limits(text)
    clause, direction, better = _goal(_without(rest, mentions))
    words = tuple(word for word in clause if word not in _LINKS)
    meant = [_MEANT[word] for word in clause if word in _MEANT]
    metric = [name for name in _metrics(" ".join(clause)) if name not in {m for m, _ in meant}]
    if meant:
        # "faster" says both: which number, and which way; "more accurate" the same way twice.
        direction, better = meant[0][1], False
        metric = [name for name, _way in meant] + metric
    return Intent(
        metric=tuple(dict.fromkeys(metric)),
        words=words,
        direction=direction,
        better=better,
        split=_split(clause, words_of(rest), text),
        hours=hours,
        trials=trials,
        mentions=mentions,
    )


def _mentions(text: str) -> tuple[str, ...]:
    """Names spelt as code: in backticks or quotes, with a dash or underscore, or as a file's."""
    quoted = re.findall(r"`([^`]{1,120})`|\"([^\"]{1,120})\"", text)
    bare_names = re.findall(
        r"(?<![\w/.-])(--?[A-Za-z][\w-]*|[\w./-]*\w\.(?:py|ipynb|sh|ya?ml|json|toml|cfg|ini|R|jl)\b"
        r"|[A-Za-z]\w*_\w+|[\w.-]+/[\w./-]+)",
        text,
    )
    found = [a or b for a, b in quoted] + bare_names
    return tuple(dict.fromkeys(name.rstrip(".,") for name in found))[:20]


def _without(text: str, mentions: tuple[str, ...]) -> str:
    """The sentence without names of files and options; names of numbers stay in it."""
    for name in mentions:
        if not named(name).canonical or "." in name or name.startswith("-"):
            text = text.replace(name, " ")
    return text


def _limits(text: str) -> tuple[float | None, int | None, str]:
    """Hours, runs, and the sentence without the words that limit them."""
    hours, trials = None, None
    within = re.search(
        rf"(?:,\s*)?\b(?:within|for|in|(?:in )?{_AT_MOST})\s+{_NUMBER}\s*-?(h|m|s|d)"
        r"(?:ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?|ays?)?\b",
        text,
        re.IGNORECASE,
    )
    if within:
        hours = _number(within[1]) * _HOURS[within[2].lower()]
        text = text.replace(within[0], " , ")
    runs = re.search(
        rf"(?:,\s*)?\b(?:(?:with|in|within|using|of)\s+)?(?:{_AT_MOST})?\s*{_NUMBER}\s+"
        r"(?:trials?|runs?|experiments?|attempts?|tries)\b",
        text,
        re.IGNORECASE,
    )
    if runs and _number(runs[1]) >= 1:
        trials = int(_number(runs[1]))
        text = text.replace(runs[0], " , ")
    return hours or None, trials, text


def _number(text: str) -> float:
    spelt = _SPELT.get(text.lower())
    return float(text) if spelt is None else spelt


def _goal(text: str) -> tuple[tuple[str, ...], Direction | None, bool]:
    """The words of what should change, which way they say, and whether they just say better."""
    speed = re.search(r"\b(speed\w*|accelerate)\b", text, re.IGNORECASE)
    if speed and not re.search(r"\bimprove\w* the speed\b", text, re.IGNORECASE):
        return ("time",), "minimize", False
    best: tuple[tuple[str, ...], Direction | None, bool] = ((), None, False)
    rank = -1
    for clause in _clauses(text):
        direction: Direction | None = None
        downs = [word for word in clause if word in _DOWN]
        ups = [word for word in clause if word in _UP]
        if bool(downs) != bool(ups):
            direction = "minimize" if downs else "maximize"
        better = any(word in _BETTER for word in clause)
        rest = tuple(word for word in clause if word not in _DOWN | _UP | _BETTER)
        speaks = bool(_metrics(" ".join(rest))) or any(word in _MEANT for word in rest)
        asks = direction is not None or better
        # The first clause that names a number and a way; else the first that does either.
        if (value := 2 * speaks + asks) > rank:
            best, rank = (rest, direction, better), value
    return best


def _clauses(text: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for piece in re.split(r"[,;:.!?]\s|[,;!?]$|\.$", text):
        words: list[str] = []
        for word in words_of(piece.replace("-", " ")):
            if word in _ENDS and any(w not in _LINKS for w in words):
                found.append(tuple(words))
                words = []
            elif word not in _ENDS:
                words.append(word)
        if words:
            found.append(tuple(words))
    return found


def _metrics(text: str) -> list[str]:
    """Known metrics in plain words; one-word names that are everyday words need company."""
    known = named(text).canonical
    singles = [named(word).canonical for word in text.split() if word not in SPLIT_WORDS]
    found = [known, *singles] if known else singles
    return list(dict.fromkeys(name for name in found if name))


def _split(
    clause: tuple[str, ...], words: tuple[str, ...], text: str
) -> Literal["train", "validation", "test"] | None:
    """The split that the sentence names; "training time" and "train.py" name none."""
    if re.search(r"\bheld[- ]out|\bhold[- ]out|\bunseen\b|\bgenerali[sz]", text, re.IGNORECASE):
        return "test"
    for source in (clause, words):
        for word, after in zip(source, (*source, "")[1:], strict=True):
            split = SPLIT_WORDS.get(word)
            if word in {"fit", "tr", "eval", "evaluation"} or after in {"time", "run", "script"}:
                continue
            if split == "validation" or (split == "test" and word != "testing"):
                return "validation" if split == "validation" else "test"
            if split == "train" and (named(after).canonical or after in {"set", "data", "split"}):
                return "train"
    return None
