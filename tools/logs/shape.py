"""What the numbers of a line mean, worked out once for every line that is worded alike.

A line's shape is the text around its numbers. `split` parts the two; `plan_of` says from the text
alone which name belongs to which number, which of them is a step, an epoch or a bar's position.
Lines of one shape differ only in their numbers, so a program that prints a million lines needs a
handful of plans.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tools.logs.words import Trouble, tells_of_batch, tells_of_saving, trouble_of
from tools.metric_names import role

NAME_CAP = 80
NUMBERS_CAP = 200
LONG, _ENDS = 1000, 300  # characters

# A date or a time is one token too: it has no value, and no part of it is taken for a number.
# It begins with a class of characters, for the engine skips quickly to one of those.
_TOKEN = re.compile(
    r"([-+.\dnNiI](?<![\w.@].)(?<!\w-.)"
    r"(?:(?<=[-+\d])(?:(?<=\d)|\d)\d*+"
    r"(?:(?:[:T-]\d++)++(?:[.,]\d++)?|(?:\.\d*+)?(?:[eE][-+]?\d++)?)"
    r"|(?<=[-+.])(?:(?<=\.)|\.)\d++(?:[eE][-+]?\d++)?"
    r"|(?<=[-+nN])(?:(?<=[nN])|[nN])[aA][nN](?!\w)"
    r"|(?<=[-+iI])(?:(?<=[iI])|[iI])[nN][fF](?:[iI][nN][iI][tT][yY])?(?!\w))"
    r"(?!\.\w))"
)
_UNIT = re.compile(r"(?:%|[A-Za-zµ][\w/%]*)")
_SPACED_UNIT = re.compile(
    r"\s((?:tok(?:en)?s?|samples?|images?|examples?|sequences?|seqs?|frames?|records?|rows?|words?"
    r"|it|iter(?:ation)?s?|steps?|batch(?:es)?|epochs?)/s(?:ec(?:ond)?)?|s/(?:it|step|batch)"
    r"|ms/(?:it|step|batch))\b"
)
_KNOWN_UNIT = re.compile(
    r"(?:%|[nµum]?s|sec|min|h|hrs?|[kKMGT]?i?[Bb]|[kMBGT]|x|C|W|Hz|"
    r"[A-Za-z]+/(?:s|sec|second|it|iter|step|batch|epoch|sample|example|token))\Z"
)
_STEPS_A_SECOND = re.compile(
    r"(?:it|iter(?:ation)?s?|steps?|batch(?:es)?|ba|rounds?|trees?)/s(?:ec(?:ond)?)?\Z"
)
_SECONDS_A_STEP = re.compile(r"(s|ms|us|µs)/[A-Za-z]+\Z")
_BYTES_A_SECOND = re.compile(r"[kKMGT]?i?[Bb]/s")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}

_SEPARATOR = re.compile(
    r"(?P<sep>\s*(?:=+>?|:|->|→)\s*|\s+)(?P<quote>[\"'])?(?:[A-Za-z_.]\w*(?:\.\w+)*\()?\Z"
)
_MARK = re.compile(r"[=:]\s*[\"'\[]?(?:[A-Za-z_.]\w*(?:\.\w+)*\()?\Z")
_PIECES = re.compile(
    r"[,;|•·\t\[\](){}]+\s*|\s[-\u2013\u2014:]\s|\s{2,}|(?<=[^\s:]):\s|[\"'](?=\s|\Z)"
)
_QUOTED = re.compile(
    r"([\"'])((?:(?!\1).){1,80})\1\s*[:=]\s*[\"']?(?:[A-Za-z_.]\w*(?:\.\w+)*\()?\Z"
)
_WORD = re.compile(r"#?[A-Za-z_µ][\w./@'\u2019+%^*-]*\Z")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONNECTORS = frozenset({"is", "was", "of", "equals", "now", "->", "→", "="})
_NO_NAME = _set(
    "a an the on in for at after with to from than by and or until over under into about "
    "took only using cuda gpu rank pid port device version python seed"
)
_FILLERS = _set("a an the and with at in for of to on is was - \u2013 \u2014 > * # info warning")

STEP_NAMES = (
    "global_step", "trainer/global_step", "step", "iteration", "iter", "it", "round", "batch",
    "minibatch", "num_updates", "update", "#iter",
)  # fmt: skip
EPOCH_NAMES = ("epoch", "train_epoch", "training_epoch", "starting_epoch", "ep")


@dataclass(frozen=True, slots=True)
class Plan:
    """What each number of a line is.

    Args:
        names: the places of the numbers that have names, and their names.
        groups: places of numbers, and how many behind each may be its thousands ("1,234").
        step, epoch: the number that is one.
        done: the first of the two numbers "12/100".
        rate: the number that is steps a second, or else `rate_s` seconds a step.
        bare: there is nothing but numbers, as in a row of a table.
        marked: a name stands before "=" or ":", as a metric's does; "took 3" is no more than words.
        known: one of the names has a role in training.
        trouble: what kind of trouble the text tells of.
        saving, batch: whether the line is worth reading for a checkpoint's or a batch's name.
    """

    names: tuple[tuple[int, str], ...]
    groups: tuple[tuple[int, int], ...]
    step: int | None
    epoch: int | None
    done: int | None
    rate: int | None
    rate_s: float
    bare: bool
    marked: bool
    known: bool
    trouble: Trouble
    saving: bool
    batch: bool


def split(line: str) -> tuple[tuple[str, ...], list[str]]:
    """The texts around the numbers (one more than there are numbers), and the numbers."""
    parts = _TOKEN.split(line, NUMBERS_CAP)
    return tuple(parts[::2]), parts[1::2]


def plan_of(texts: tuple[str, ...], keep: bool = True) -> Plan:
    """What the numbers between these texts are; long lines are seldom alike: do not keep them."""
    return _kept_plan(texts) if keep else _plan(texts)


def _plan(texts: tuple[str, ...]) -> Plan:
    whole = "0".join(texts)
    texts = tuple(
        text if len(text) <= LONG else f"{text[:_ENDS]}  {text[-_ENDS:]}" for text in texts
    )
    units = [_unit_after(text) for text in texts[1:]]
    names = _quoted_names(texts) if _is_mapping(texts) else _plain_names(texts, units)
    trouble = trouble_of(whole)
    if trouble:  # an error's message has numbers, but no metrics
        names = [""] * len(names)
    step = epoch = done = rate = None
    rate_s, step_name = 0.0, ""
    for place, (name, unit) in enumerate(zip(names, units, strict=True)):
        lowered = name.lower().replace(" ", "_")
        of_all = place + 1 < len(names) and texts[place + 1].strip() in ("/", "of")
        if of_all and lowered not in EPOCH_NAMES:
            last = name.lower().rpartition(" ")[2]  # "validation batch 3/10"
            lowered = last if last in STEP_NAMES else lowered
        if unit in _AMOUNTS and lowered in (*STEP_NAMES, *EPOCH_NAMES):
            continue
        if lowered in EPOCH_NAMES and epoch is None:
            epoch = place
        elif lowered in STEP_NAMES and (step is None or _prior(lowered, step_name)):
            step, step_name = place, lowered
        if done is None and of_all and place != epoch:
            done = place
        if rate is None and unit:
            slow = _SECONDS_A_STEP.match(unit)
            if slow:
                rate, rate_s = place, _SECONDS[slow[1]]
            elif _STEPS_A_SECOND.match(unit) or (
                "/s" in unit and "<" in whole and not _BYTES_A_SECOND.match(unit)
            ):
                rate = place
    if step is None and names and _numbered_at_start(texts):
        step = 0
    return Plan(
        names=tuple((place, name.replace(" ", "_")) for place, name in enumerate(names) if name),
        groups=tuple(
            (place, behind)
            for place, name in enumerate(names)
            if name and (behind := _group(texts, place))
        ),
        step=step,
        epoch=epoch,
        done=done,
        rate=rate,
        rate_s=rate_s,
        bare=len(names) > 1 and all(_is_blank(text, place) for place, text in enumerate(texts)),
        marked=any(name and _MARK.search(texts[place]) for place, name in enumerate(names)),
        known=any(name and role(name) != "other" for name in names),
        trouble=trouble,
        saving=tells_of_saving(whole),
        batch=tells_of_batch(whole),
    )


_kept_plan = lru_cache(maxsize=2048)(_plan)
_AMOUNTS = ("s", "ms", "us", "%", "min", "h", "sec")


def _prior(name: str, other: str) -> bool:
    return STEP_NAMES.index(name) < STEP_NAMES.index(other)


def _numbered_at_start(texts: tuple[str, ...]) -> bool:
    """`[12]\\ttrain-rmse:` and `12:\\tlearn:`: gradient boosting counts its rounds so."""
    start, after = texts[0].strip(), texts[1]
    return (start == "[" and after.startswith("]") and len(texts) > 2) or (
        not start and after.startswith((":\t", ": ")) and len(texts) > 2
    )


@lru_cache(maxsize=4096)
def _is_blank(text: str, place: int) -> bool:
    stripped = text.strip(" \t|,;")
    return not stripped or (place > 0 and bool(_KNOWN_UNIT.match(stripped)))


@lru_cache(maxsize=4096)
def _unit_after(text: str) -> str:
    glued = _UNIT.match(text)
    if glued:
        return glued[0]
    spaced = _SPACED_UNIT.match(text)
    return spaced[1] if spaced else ""


@lru_cache(maxsize=4096)
def _without_unit(text: str) -> str:
    found = _UNIT.match(text) or _SPACED_UNIT.match(text)
    return text[found.end() :] if found else text


def _is_mapping(texts: tuple[str, ...]) -> bool:
    return len(texts) > 1 and "{" in texts[0] and _QUOTED.search(texts[0]) is not None


_BATCH_WORD = re.compile(r"(?:batch|shard|chunk|part|partition|file)[-_#]?\d+\Z", re.IGNORECASE)
_OPENED = re.compile(r"[\"']([^\"']{1,80})[\"']\s*:\s*\{|\}")


def _quoted_names(texts: tuple[str, ...]) -> list[str]:
    """Names in a printed mapping, `{'loss': 0.5, 'eval': {'f1': 0.1}}`: loss and eval/f1."""
    path: list[str] = []
    names = []
    for text in texts[:-1]:
        for opened in _OPENED.finditer(text):
            if opened[1]:
                path.append(opened[1])
            elif path:
                path.pop()
        found = _QUOTED.search(text)
        names.append("/".join([*path, found[2]])[:NAME_CAP] if found else "")
    return names


def _plain_names(texts: tuple[str, ...], units: list[str]) -> list[str]:
    names: list[str] = []
    for place, unit in enumerate(units):
        text = texts[place] if place == 0 else _without_unit(texts[place])
        glued = bool(unit) and texts[place + 1][:1] != " "
        if glued and not _KNOWN_UNIT.match(unit):
            names.append("")  # "12abc" is no number
            continue
        name = _plain_name(text)
        if unit == "%" and texts[place + 1].startswith("%|"):
            name = ""  # how full a bar is
        if not name and "/s" in unit and not _counts_steps(unit):
            head = place
            while head and texts[head] == ",":  # "1,234.5 tokens/s"
                head -= 1
            names.append("")
            names[head] = unit
            continue
        names.append(name)
    return names


def _counts_steps(unit: str) -> bool:
    return bool(_STEPS_A_SECOND.match(unit) or _SECONDS_A_STEP.match(unit))


@lru_cache(maxsize=4096)
def _plain_name(text: str) -> str:
    """The name that the text before a number ends with; "" where it ends with none."""
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted[2].strip()[:NAME_CAP]
    if text.endswith("["):  # "Epoch: [3][10/500]"; a list of numbers has no names
        counter = _plain_name(text[:-1])
        return counter if counter.lower() in (*STEP_NAMES, *EPOCH_NAMES) else ""
    separator = _SEPARATOR.search(text)
    if separator is None:
        return ""
    before = text[: separator.start()].rstrip("\"'`*_ ")
    tight = "=" in separator["sep"]
    words = _PIECES.split(before)[-1].split()
    if tight and any("=" in word for word in words):
        last = max(place for place, word in enumerate(words) if "=" in word)
        words = words[last + 1 :]
    while words and words[-1].lower() in _CONNECTORS:
        words.pop()
    if words[-1:] == ["to"] and {"lr", "rate"} & {word.lower() for word in words}:
        words = words[: -2 if words[-2:-1] == ["set"] else -1]  # "learning rate set to 0.1"
    kept: list[str] = []
    for word in reversed(words):
        if len(kept) == 3 or not _WORD.match(word):
            break
        if kept and (word.lower() in _FILLERS or _BATCH_WORD.match(word)):
            break  # "shard-5 loss=0.1"
        kept.insert(0, word)
    if not kept or kept[-1].lower() in _NO_NAME:
        return ""
    return " ".join(kept)[:NAME_CAP]


def _group(texts: tuple[str, ...], place: int) -> int:
    behind = 0
    while place + behind + 1 < len(texts) - 1 and texts[place + behind + 1] == ",":
        behind += 1
    return behind
