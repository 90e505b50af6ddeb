"""What a programming tool answers: a text for the model, capped and fit to be shown."""

from labcrew.domain.base import Model
from labcrew.plain_text import HALVES, ODD

CHARACTERS = 12_000
"""Most of one answer: some 3,000 tokens."""
_HEAD_SHARE = 0.3


class Told(Model):
    """A tool's answer; `text` is what the model reads. It holds untrusted text."""

    text: str


def shown(text: str, characters: int = CHARACTERS) -> str:
    """A text without what nobody sees, and with its middle left out where it is too long."""
    plain = ODD.sub("", HALVES.sub("\ufffd", text))
    if len(plain) <= characters:
        return plain
    head = int(characters * _HEAD_SHARE)
    tail = characters - head
    left_out = len(plain) - head - tail
    return f"{plain[:head]}\n… {left_out} characters left out …\n{plain[-tail:]}"
