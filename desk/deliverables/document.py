"""A document as typed blocks: what every writer gets, so that formats agree.

All texts are plain: no block holds markup, and each writer escapes for its own format.
"""

from typing import Annotated, Literal

from pydantic import Field

from labcrew.domain.base import Model


class Paragraph(Model):
    kind: Literal["paragraph"] = "paragraph"
    text: str


class Bullets(Model):
    kind: Literal["bullets"] = "bullets"
    items: tuple[str, ...]


class Table(Model):
    """Rows of as many cells as the head has."""

    kind: Literal["table"] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Picture(Model):
    """A plot.

    Args:
        png: its bytes.
        caption: what it shows, which is also said where it can't be seen.
    """

    kind: Literal["picture"] = "picture"
    png: bytes
    caption: str


Block = Annotated[Paragraph | Bullets | Table | Picture, Field(discriminator="kind")]


class Section(Model):
    """One subject.

    Args:
        title: its heading in documents.
        message: what it says in one sentence: the title of its slide.
        blocks: all of it, for documents.
        points: the little of it that a slide shows: at most six lines, or one picture.
        slide: whether it has a slide.
    """

    title: str
    message: str
    blocks: tuple[Block, ...]
    points: tuple[str, ...] = ()
    slide: bool = True

    @property
    def picture(self) -> Picture | None:
        """Its first plot."""
        return next((block for block in self.blocks if isinstance(block, Picture)), None)


class Document(Model):
    """A whole deliverable.

    Args:
        title: what was asked, in short.
        subtitle: ticket, state, and date of the newest line of the ledger.
        warning: the line that says what no person checked.
        at: that newest line's time, ISO 8601: the only time that a file carries.
    """

    title: str
    subtitle: str
    warning: str
    at: str
    sections: tuple[Section, ...]
