"""What a programming tool answers: a text for the model, capped and fit to be shown."""

from labcrew.domain.base import Model
from labcrew.plain_text import HALVES, ODD

CHARACTERS = 12_000
"""Most of one answer: some 3,000 tokens."""


class Told(Model):
    """A tool's answer, which holds untrusted text.

    Args:
        text: what the model reads.
        trouble: what failed in what the tool ran, the same for two that failed alike; empty where
            nothing did. That the tool itself failed is a ToolError.
    """

    text: str
    trouble: str = ""


def shown(text: str, characters: int = CHARACTERS) -> str:
    """A text without what nobody sees, and with its middle left out where it is too long."""
    return capped(ODD.sub("", HALVES.sub("\ufffd", text)), characters)


def capped(text: str, characters: int) -> str:
    """A text with its middle left out where it is too long."""
    if len(text) <= characters:
        return text
    head = characters // 3
    left_out = len(text) - characters
    return f"{text[:head]}\n… {left_out} characters left out …\n{text[head + left_out :]}"
