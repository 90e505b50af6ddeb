"""From a ticket's own words to a search: only these words leave the machine."""

import re
import unicodedata
from collections.abc import Sequence

_STOP_WORDS = (
    "a about above after all also an and any are as at be because been before best better between"
    " both but by can could did do does doing done down each few find for from further get give"
    " given good had has have having how if in into is it its just least less let like make"
    " many may"
    " me might more most much must my need no nor not of off on once only or other our out over own"
    " please same set settings should so some such than that the their them then there these they"
    " this those through to too try under until up us use used using very was we were what when"
    " where whether which while who why will with within without would you your"
)
_STOP = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"[^\W_][\w'-]*", re.UNICODE)


def content_words(text: str, most: int = 12) -> tuple[str, ...]:
    """The first `most` different words of a text that carry meaning, lower case, in order."""
    words: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFC", text)):
        word = match.group().strip("'-").lower()
        if len(word) > 1 and word not in _STOP and not word.isdigit() and word not in words:
            words.append(word)
            if len(words) == most:
                break
    return tuple(words)


def surname(authors: Sequence[str]) -> str:
    """The first author's last word, lower case, as a citation's key begins; "anonymous" without."""
    words = " ".join(authors[:1]).split()
    return words[-1].lower() if words else "anonymous"
