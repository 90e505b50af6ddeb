"""The formats there are: one writer each."""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from desk.deliverables.document import Document
from desk.deliverables.drafting import document
from desk.deliverables.drafting_loops import loop_document
from desk.deliverables.html_writer import to_html
from desk.deliverables.markdown_writer import to_markdown
from desk.deliverables.pdf_writer import to_pdf
from desk.deliverables.slides_writer import to_slides
from desk.deliverables.word_writer import to_word
from labcrew.domain.evolution import Evolution
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import SettingsError
from labcrew.ledger import Ledger

Format = Literal["md", "html", "pdf", "docx", "pptx"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[Format, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_WRITERS: Mapping[Format, Callable[[Document], bytes]] = {
    "md": to_markdown,
    "html": to_html,
    "pdf": to_pdf,
    "docx": to_word,
    "pptx": to_slides,
}


def deliverable(ledger: Ledger, found: AssignedTicket | Evolution, format: Format) -> bytes:
    """A ticket's or a loop's result as a file; the same bytes for the same ledger.

    Raises:
        SettingsError: the format needs labcrew[reports].
    """
    made = _document(ledger, found)
    try:
        return _WRITERS[format](made)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"A report as {format} needs labcrew[reports] ({error.name} is missing).",
            "pip install 'labcrew[reports]'",
        ) from None


def _document(ledger: Ledger, found: AssignedTicket | Evolution) -> Document:
    return loop_document(ledger, found) if isinstance(found, Evolution) else document(ledger, found)
