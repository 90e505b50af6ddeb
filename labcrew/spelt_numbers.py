"""Numbers that are written as words."""

import re

_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
)
_WORDS = {word: n for n, word in enumerate(_TO_TWENTY.split()) if word != "one"} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "hundred": 100, "thousand": 1000, "dozen": 12, "million": 1_000_000,
}  # fmt: skip


def spelt_out(text: str) -> list[str]:
    """The numbers that words of a text name, in digits; `one` is mostly a pronoun, and left out."""
    found = re.findall(r"[a-z]+", text.lower())
    return [str(_WORDS[word]) for word in found if word in _WORDS]
