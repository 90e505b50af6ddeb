"""The one place where text from a sandbox is made safe to show, store and judge."""

from __future__ import annotations

import codecs
import re

from labcrew.plain_text import HALVES, ODD

# CSI (colours, cursor), OSC (titles, clipboard, links; ended by BEL or ST), DCS/SOS/PM/APC
# strings, two-byte escapes, and their eight-bit spellings. An unended string is cut at the
# end of its line, so that a lone introducer cannot swallow what follows.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_HELD_MAX = 4096


def clean(raw: bytes | str) -> str:
    """Text without escape sequences, control and invisible characters.

    Newline, return and tab stay. Invalid UTF-8 and half characters become U+FFFD.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return HALVES.sub("\ufffd", ODD.sub("", _ESCAPES.sub("", text)))


class Cleaner:
    """`clean` for a stream: a character or an escape sequence may be split between chunks."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, raw: bytes) -> str:
        """The cleaned text of a chunk, as far as it is complete."""
        text = self._held + self._decoder.decode(raw)
        cut = _open_escape(text)
        self._held = text[cut:]
        return clean(text[:cut])

    def end(self) -> str:
        """What was still held back."""
        text, self._held = self._held + self._decoder.decode(b"", True), ""
        return clean(text)


def _open_escape(text: str) -> int:
    """Where an escape sequence begins that the end of the text may have cut."""
    begin = len(text) - _HELD_MAX
    for match in _ESCAPES.finditer(text, max(0, begin)):
        if match.end() == len(text):
            return match.start()
    return len(text)
