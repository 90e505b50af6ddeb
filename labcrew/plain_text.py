"""Characters that text for people may not hold: one list, for what is cleaned and what refused."""

import re

# Control characters but newline, return and tab; marks that turn the direction of text around; line
# breaks that look like none; what nobody sees but a model reads (tags, selectors, invisible
# spaces); what is no character, which no XML may hold. Joiners stay: languages and emoji need them.
ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\u2028\u2029"
    "\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
HALVES = re.compile("[\ud800-\udfff]")  # of characters: they can't be printed or stored
_SPACES = "\t\n\r"


def is_plain(text: str, allowed: str = "") -> bool:
    """Whether a text can be shown as it is.

    Args:
        allowed: which of newline, return and tab it may hold.
    """
    if ODD.search(text) or HALVES.search(text):
        return False
    return not any(space in text for space in _SPACES if space not in allowed)


def plain(text: str) -> str:
    """A text without the characters that `is_plain` refuses, but for newline, return and tab."""
    return HALVES.sub("", ODD.sub("", text))
