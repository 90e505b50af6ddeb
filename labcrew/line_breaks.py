"""How a file ends its lines and whether a byte-order mark opens it: what an edit leaves alone."""

from dataclasses import dataclass

MARK = "\ufeff"


@dataclass(frozen=True)
class LineBreaks:
    """What is taken off a text before it is edited, and put back after.

    Args:
        mark: whether it begins with a byte-order mark.
        crlf: whether every line of it ends in CRLF.
    """

    mark: bool
    crlf: bool

    @classmethod
    def of(cls, text: str) -> "LineBreaks":
        """Those of a text."""
        return cls(mark=text.startswith(MARK), crlf=is_crlf(text))

    def off(self, text: str) -> str:
        """The text without them."""
        plain = text.removeprefix(MARK) if self.mark else text
        return plain.replace("\r\n", "\n") if self.crlf else plain

    def on(self, text: str) -> str:
        """The text with them, whichever of them it has already."""
        plain = text.removeprefix(MARK) if self.mark else text
        if self.crlf:
            plain = plain.replace("\r\n", "\n").replace("\n", "\r\n")
        return MARK + plain if self.mark else plain


def is_crlf(text: str) -> bool:
    """Whether every line of a text ends in CRLF, and none in more than that."""
    breaks = text.count("\n")
    return breaks > 0 and text.count("\r\n") == breaks and "\r\r\n" not in text
