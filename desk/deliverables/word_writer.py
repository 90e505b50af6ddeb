"""A document as Word file, by python-docx, in its own styles so that a lab's template fits."""

import io
from typing import Any

from desk.deliverables.document import Block, Bullets, Document, Paragraph, Table
from desk.deliverables.office_files import packed, sign


def to_word(document: Document) -> bytes:
    """A .docx file."""
    import docx
    from docx.shared import Cm, Pt

    file: Any = docx.Document()
    sign(file.core_properties, document)
    page = file.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    file.styles["Normal"].font.name, file.styles["Normal"].font.size = "DejaVu Sans", Pt(10)
    page.footer.paragraphs[0].text = "First draft, not checked by a person."
    file.add_heading(document.title, 0)
    file.add_paragraph(document.subtitle, style="Subtitle")
    file.add_paragraph(document.warning, style="Intense Quote")
    for section in document.sections:
        file.add_heading(section.title, 1)
        for block in section.blocks:
            _block(file, block, page.page_width - page.left_margin - page.right_margin)
    return packed(file)


def _block(file: Any, block: Block, width: int) -> None:
    from docx.shared import Pt

    if isinstance(block, Paragraph):
        for line in block.text.split("\n"):
            if line:
                file.add_paragraph(line)
    elif isinstance(block, Bullets):
        for item in block.items:
            file.add_paragraph(item, style="List Bullet")
    elif isinstance(block, Table):
        made = file.add_table(rows=0, cols=len(block.head), style="Light Grid Accent 1")
        for number, row in enumerate((block.head, *block.rows)):
            cells = made.add_row().cells
            for cell, text in zip(cells, row, strict=True):
                run = cell.paragraphs[0].add_run(text)
                run.font.size, run.bold = Pt(8.5), number == 0
        _head_repeats(made)
        file.add_paragraph()
    else:
        file.add_picture(io.BytesIO(block.png), width=width)
        shown = file.inline_shapes[-1]._inline.docPr
        shown.set("descr", block.caption)
        file.add_paragraph(block.caption, style="Caption")


def _head_repeats(table: Any) -> None:
    """On each page that a long table goes on to."""
    from docx.oxml import OxmlElement

    properties = table.rows[0]._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:tblHeader"))
