"""From running text to sentences."""

import re

_ABBREVIATION_LIST = (
    "al approx apr aug cf dec dept dr ed eds e.g eq eqs etc feb fig figs i.e inc jan jr jul jun max"
    " min mr mrs ms no nos nov oct op p pp prof ref refs resp sec sect sept sr st suppl tab"
    " vol vols"
    " viz vs wrt"
)
_ABBREVIATIONS = frozenset(_ABBREVIATION_LIST.split())
# A stop, what may close it, space, and what may open a sentence.
_BOUNDARY = re.compile(r"(?<=[.!?])([\"'\u2019\u201d)\]]*)\s+(?=[\"'\u2018\u201c(\[]*[^\W_a-z])")
_LAST_WORD = re.compile(r"([^\s(\[]*)[.!?]$")
_MOST_CHARACTERS = 1200


def sentences(text: str) -> list[str]:
    """The sentences of a passage, in order, each on one line and otherwise untouched.

    A full stop ends a sentence where space and a capital, digit or opening bracket follow, except
    after an abbreviation or an initial. Overlong ones (a table, say) are cut at 1200 characters.

    Args:
        text: a paragraph or a page; a line break counts as a space, an empty line ends a sentence.
    """
    found: list[str] = []
    for paragraph in text.split("\n\n"):
        found += _sentences_of(" ".join(paragraph.split()))
    return [sentence.strip()[:_MOST_CHARACTERS] for sentence in found if sentence.strip()]


def _sentences_of(text: str) -> list[str]:
    found: list[str] = []
    start = 0
    for match in _BOUNDARY.finditer(text):
        head = text[start : match.start()]
        last_word = _LAST_WORD.search(head[-30:])
        word = last_word.group(1).lower() if last_word else ""
        initial = len(word) == 1 and word.isalpha() and head.endswith(".")
        if head.endswith(".") and (word in _ABBREVIATIONS or (initial and word != "i")):
            continue
        found.append(text[start : match.end(1)])
        start = match.end()
    return [*found, text[start:]]


def reads_like_prose(sentence: str) -> bool:
    """Whether a sentence can stand alone in a brief: words enough, mostly letters.

    Short ones without a stop are headings, captions or rows of tables.
    """
    words = sentence.split()
    letters = sum(c.isalpha() or c.isspace() for c in sentence)
    return (
        6 <= len(words) <= 80
        and letters >= 0.7 * len(sentence)
        and (len(words) >= 12 or sentence.rstrip("\"')]\u201d\u2019")[-1:] in tuple(".!?"))
        and not sentence.startswith(("[", "http"))
    )
