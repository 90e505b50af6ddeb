"""A document as PDF, by fpdf2, in the DejaVu fonts that Matplotlib brings along."""

import io
from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from typing import Any

from desk.deliverables.document import Block, Bullets, Document, Paragraph, Table
from desk.deliverables.measuring import font_file

_FONT = "DejaVu"
_INK, _GREY, _AMBER = (36, 41, 47), (87, 96, 106), (255, 248, 229)
_WORD = 24  # a longer one is broken in a narrow column
_LINE, _CELL_EDGES = 4.6, 4  # of tables, millimetres
_ROW_LINES = 40  # that surely fit on a page below the head


def to_pdf(document: Document) -> bytes:
    """A4; text can be searched and copied."""
    from fpdf import FPDF

    class Page(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font(_FONT, size=8)
            self.set_text_color(*_GREY)
            self.cell(0, 5, f"First draft, not checked by a person. Page {self.page_no()}")

    pdf: Any = Page(format="A4")
    _fonts(pdf)
    pdf.set_creation_date(datetime.fromisoformat(document.at))
    pdf.set_title(document.title)
    pdf.set_producer("labcrew")
    pdf.set_lang("en")
    pdf.set_margins(18, 18)
    pdf.set_auto_page_break(True, margin=20)
    pdf.add_page()
    _text(pdf, document.title, 20, style="B")
    _text(pdf, document.subtitle, 10, colour=_GREY)
    pdf.ln(2)
    pdf.set_fill_color(*_AMBER)
    _text(pdf, document.warning, 10, fill=True)
    pdf.set_fill_color(255, 255, 255)
    for section in document.sections:
        pdf.ln(4)
        if pdf.get_y() > pdf.h - 55:
            pdf.add_page()  # no heading stands alone at a page's end
        pdf.start_section(section.title)
        _text(pdf, section.title, 14, style="B")
        pdf.ln(1)
        for block in section.blocks:
            _block(pdf, block)
    return bytes(pdf.output())


def _fonts(pdf: Any) -> None:
    pdf.add_font(_FONT, "", font_file())
    pdf.add_font(_FONT, "B", font_file(bold=True))
    pdf.set_font(_FONT, size=10)


def _text(
    pdf: Any,
    text: str,
    size: float,
    *,
    style: str = "",
    colour: tuple[int, int, int] = _INK,
    fill: bool = False,
) -> None:
    pdf.set_font(_FONT, style, size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(
        0, size * 0.52, text, align="L", fill=fill, new_x="LMARGIN", new_y="NEXT",
        padding=2 if fill else 0,
    )  # fmt: skip


def _block(pdf: Any, block: Block) -> None:
    if isinstance(block, Paragraph):
        _text(pdf, block.text, 10)
        pdf.ln(2)
    elif isinstance(block, Bullets):
        for item in block.items:
            _text(pdf, f"•  {item}", 10)
            pdf.ln(0.8)
        pdf.ln(1)
    elif isinstance(block, Table):
        _table(pdf, block)
    else:
        width = pdf.epw
        pdf.image(io.BytesIO(block.png), w=width, alt_text=block.caption)
        _text(pdf, block.caption, 9, colour=_GREY)
        pdf.ln(2)


def _table(pdf: Any, block: Table) -> None:
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    pdf.set_font(_FONT, size=8.5)
    pdf.set_text_color(*_INK)
    pdf.set_draw_color(208, 215, 222)
    widths = _widths(block)
    with pdf.table(
        col_widths=widths,
        text_align="LEFT",
        headings_style=FontFace(emphasis="BOLD"),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        line_height=_LINE,
        padding=1,
    ) as made:
        for cells in (block.head, *_rows(pdf, block, widths)):
            row = made.row()
            for cell in cells:
                row.cell(cell)
    pdf.ln(3)


def _rows(pdf: Any, block: Table, widths: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    """The table's rows; one that is higher than a page as several, for none goes over its end."""
    rooms = [pdf.epw * width / sum(widths) - _CELL_EDGES for width in widths]
    for cells in block.rows:
        parts = [_parts(pdf, cell, room) for cell, room in zip(cells, rooms, strict=True)]
        yield from zip_longest(*parts, fillvalue="")


def _parts(pdf: Any, cell: str, room: float) -> list[str]:
    if len(cell) <= _ROW_LINES:
        return [cell]
    lines = pdf.multi_cell(room, _LINE, cell, dry_run=True, output="LINES")
    return ["\n".join(lines[at : at + _ROW_LINES]) for at in range(0, len(lines), _ROW_LINES)]


def _widths(block: Table) -> tuple[int, ...]:
    """By the longest cell, within bounds that leave room for all, and for the longest word."""
    found = []
    for column in zip(block.head, *block.rows, strict=True):
        cell = max(len(text) for text in column)
        word = max((len(word) for text in column for word in text.split()), default=0)
        found.append(max(min(45, cell), min(_WORD, word), 6) + 3)
    return tuple(found)
