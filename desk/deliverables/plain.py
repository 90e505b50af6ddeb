"""Text of others as a document holds it: plain, and of bounded length."""

from labcrew.plain_text import HALVES, ODD

_LONGEST = 4_000


def line(said: str) -> str:
    """Plain text on one line."""
    return " ".join(text(said).split())


def text(said: str) -> str:
    """Plain text of bounded length, for any format."""
    plain = HALVES.sub("", ODD.sub("", said)).strip()
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]} … (cut)"
