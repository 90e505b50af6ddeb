"""What a message names: ids, numbers with their units, times, words in quotes; by rules alone."""

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from desk.chat.known import Known
from labcrew.domain.base import Model
from labcrew.domain.review import DecisionKind

_NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
}
_ORDINALS = {
    word: number
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
        ],
        1,
    )
}
_COUNT = rf"\d{{1,9}}|{'|'.join(_NUMBERS)}"
_GATE = re.compile(r"\b([te])-(\d{1,9})-([a-z]+-r\d+\.\d+(?:-[0-9a-f]{12})?|[a-z]+-r\d+)\b", re.I)
_REQUEST = re.compile(r"\b([te])-(\d{1,9})-mr(\d{1,6})\b", re.I)
_TRIAL = re.compile(r"\bt-?(\d{1,9})-(\d{1,6})\b", re.I)
_TICKET = re.compile(
    rf"\bt-?(\d{{1,9}})\b|\bticket(?:\s+(?:number|no\.?|nr\.?))?\s*#?\s*({_COUNT})\b", re.I
)
_LOOP = re.compile(r"\be-(\d{3,9})\b", re.I)
_TRIALS = re.compile(
    rf"\b(?:trials?|runs?|experiments?)\s+(?:number\s+)?#?(?:{_COUNT})\b"
    rf"(?:(?:\s*,\s*(?:and\s+)?|\s+(?:and|or|vs\.?|versus|to|with|against|than)\s+|\s*&\s*)"
    rf"(?:trial\s+|run\s+)?#?(?:{_COUNT})\b)*",
    re.I,
)
_BARE = re.compile(r"(?<![\w.-])#?(\d{1,6})\s*,\s*(\d{1,6})((?:\s*(?:,|and|,\s*and)\s*\d{1,6})*)")
_NTH_TRIAL = re.compile(rf"\b({'|'.join(_ORDINALS)})\s+(?:trial|run)\b", re.I)
_NTH = re.compile(rf"\b(?:the\s+)?({'|'.join(_ORDINALS)}|last)(?:\s+(?:one|ticket))\b", re.I)
_QUOTED = re.compile('["“”«](.{1,20000}?)["“”»]', re.S)
_PLACE = re.compile(r"(?<![\w/])([\w./-]{1,200}\.[a-z]\w{0,7}):(\d{1,7})\b")
_FILE = re.compile(r"(?<![\w/])((?:~|\.{1,2})?/?[\w./ -]{0,200}?[\w-]\.(?:md|markdown|ya?ml))\b")
_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d)?)\b", re.I)
_SPAN = re.compile(
    rf"\b(?:last|past|previous|in|of|for|since)\s+(?:the\s+)?(?:last\s+|past\s+)?"
    rf"({_COUNT}|few|couple of)?\s*(minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b",
    re.I,
)
_WHEN = re.compile(
    r"\b(yesterday|last night|over ?night|during the night|this morning|today|this week|last week"
    r"|(?:on |since )(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday))\b",
    re.I,
)

BudgetField = Literal[
    "trials", "hours", "parallel", "cpus", "memory_mb", "disk_mb", "model_tokens", "model_usd"
]


class BudgetChange(Model):
    """One field of a budget, and how it is to change."""

    field: BudgetField
    how: Literal["=", "+", "-", "*"]
    value: float = Field(ge=0, allow_inf_nan=False)

    def __str__(self) -> str:
        return f"{self.field} {self.how} {self.value:g}"


class Slots(Model):
    """All that a message names; what it does not name is empty."""

    tickets: tuple[str, ...] = Field(default=(), description="and loops: T-001, E-001")
    trials: tuple[int, ...] = Field(default=(), description="numbers within a ticket")
    gate: str = ""
    merge_request: str = ""
    budget: tuple[BudgetChange, ...] = ()
    decision: DecisionKind | Literal[""] = ""
    metric: str = ""
    since: str = Field(default="", description="12h, 2d, a date, or words such as yesterday")
    text: str = Field(default="", description="a comment, or what is asked about")
    path: str = ""
    line: int | None = None
    source: str = Field(default="", description="a ticket's file")

    def filled(self) -> dict[str, object]:
        """The slots that are not empty."""
        return self.model_dump(mode="json", exclude_defaults=True)


def ticket_id(number: int, letter: str = "t") -> str:
    """How the ledger names the ticket with this number; with the letter e, the loop."""
    return f"{letter.upper()}-{number:03d}"


def names(text: str, known: Known) -> Slots:
    """The ids and numbers in a text; what an intent alone can tell is left empty.

    Args:
        text: of a person.
        known: titles and metrics, for what is called by them.
    """
    tickets: list[str] = []
    trials: list[int] = []
    gate = request = ""
    rest = text
    for match in _GATE.finditer(rest):
        owner = ticket_id(int(match[2]), match[1])
        gate = f"{owner}-{match[3].lower()}"
        tickets.append(owner)
    rest = _GATE.sub(" ", rest)
    for match in _REQUEST.finditer(rest):
        owner = ticket_id(int(match[2]), match[1])
        request = f"{owner}-MR{int(match[3])}"
        tickets.append(owner)
    rest = _REQUEST.sub(" ", rest)
    for match in _LOOP.finditer(rest):
        tickets.append(ticket_id(int(match[1]), "e"))
    rest = _LOOP.sub(" ", rest)
    for match in _TRIAL.finditer(rest):
        tickets.append(ticket_id(int(match[1])))
        trials.append(int(match[2]))
    rest = _TRIAL.sub(" ", rest)
    for match in _TICKET.finditer(rest):
        tickets.append(ticket_id(count(match[1] or match[2])))
    rest = _TICKET.sub(" ", rest)
    trials += _trials(rest)
    if not tickets:
        tickets += _by_title(rest, known)
    return Slots(
        tickets=tuple(dict.fromkeys(tickets)),
        trials=tuple(dict.fromkeys(trials)),
        gate=gate,
        merge_request=request,
        metric=_metric(rest, known),
    )


def nth(text: str) -> int | None:
    """Which of several is meant: 0 for the first one, -1 for the last one; None: it isn't said."""
    match = _NTH.search(text)
    if match is None:
        return None
    return -1 if match[1].lower() == "last" else _ORDINALS[match[1].lower()] - 1


def time_span(text: str) -> str:
    """The time that a text names, as `12h`, `2d`, a date or a word; empty: none."""
    if match := _DATE.search(text):
        return match[1].upper().replace(" ", "T")
    if match := _SPAN.search(text):
        if match[1] is None and not re.search(r"last|past|previous", match[0], re.I):
            return ""
        several = {"few": 3, "couple of": 2}
        said = (match[1] or "1").lower()
        number = several[said] if said in several else count(said)
        return f"{number}{match[2][0].lower()}"
    if match := _WHEN.search(text):
        word = re.sub(r"^(on|since) ", "", match[1].lower())
        return "last night" if "night" in word else word
    return ""


def quoted(text: str) -> str:
    """The words in quotation marks, else those behind a colon; empty: neither."""
    if match := _QUOTED.search(text):
        return match[1].strip()
    # Behind the last id, so that neither "train.py:12" nor "T-005: …" is taken for one.
    head, colon, tail = _PLACE.sub(lambda m: m[0].replace(":", "\0"), text).partition(": ")
    return tail.strip().replace("\0", ":") if colon and head else ""


def place(text: str) -> tuple[str, int | None]:
    """A file and a line, as in train.py:12."""
    match = _PLACE.search(text)
    return (match[1], int(match[2])) if match else ("", None)


def ticket_file(text: str) -> str:
    """The path of a ticket's file that a text names; empty: none."""
    match = _FILE.search(text)
    return match[1].split()[-1] if match else ""


def count(text: str) -> int:
    """A whole number, in digits or as a word."""
    return _NUMBERS[text.lower()] if text.lower() in _NUMBERS else int(text)


def _trials(text: str) -> Iterator[int]:
    for match in _TRIALS.finditer(text):
        for number in re.findall(rf"\b(?:{_COUNT})\b", match[0], re.I):
            yield count(number)
    for match in _NTH_TRIAL.finditer(text):
        yield _ORDINALS[match[1].lower()]
    if _TRIALS.search(text) is None:
        for match in _BARE.finditer(text):
            yield from (int(number) for number in re.findall(r"\d+", match[0]))


def _by_title(text: str, known: Known) -> list[str]:
    """The one ticket that is called by a word of its title, as in `the churn ticket`."""
    called = re.findall(r"\bthe ([a-z-]{4,}) (?:ticket|search|task|work|job)\b", text.lower())
    found = {known.words[word] for word in called if word in known.words}
    return sorted(found) if len(found) == 1 else []


def _metric(text: str, known: Known) -> str:
    words = re.findall(r"[\w@.-]+", text.lower())
    return next((word for word in words if word in known.metrics), "")
