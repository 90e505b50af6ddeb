"""A document as slides, by python-pptx: one message each, and nothing runs over its edge."""

import io
import unicodedata
from typing import Any

from desk.deliverables.document import Document, Section
from desk.deliverables.measuring import height as measured
from desk.deliverables.office_files import packed, sign

_MOST = 10  # slides
_TITLE, _POINT, _POINTS = 96, 150, 6  # characters of a title and a line, lines
_SMALLEST, _INSETS = 8, 14.4  # points
_WIDE, _HIGH, _EDGE = 13.333, 7.5, 0.6  # inches
_INK, _GREY, _GREEN = (36, 41, 47), (87, 96, 106), (10, 125, 90)


def to_slides(document: Document) -> bytes:
    """A .pptx file of 6 to 10 slides."""
    from pptx import Presentation
    from pptx.util import Inches

    file: Any = Presentation()
    sign(file.core_properties, document)
    file.slide_width, file.slide_height = Inches(_WIDE), Inches(_HIGH)
    first = _slide(file)
    _box(first, document.title, 2.2, 1.6, size=36, bold=True, most=_TITLE)
    _box(first, document.subtitle, 3.9, 0.6, size=18, colour=_GREY)
    _box(first, document.warning, 4.7, 1.2, size=16, colour=_GREY, most=260)
    shown = [section for section in document.sections if section.slide][: _MOST - 1]
    for number, section in enumerate(shown, 2):
        _of_section(file, section, number)
    return packed(file)


def _of_section(file: Any, section: Section, number: int) -> None:
    from pptx.util import Inches

    slide = _slide(file)
    _box(slide, section.message, 0.45, 1.1, size=28, bold=True, most=_TITLE)
    picture = section.picture
    if picture is not None:
        shown = slide.shapes.add_picture(
            io.BytesIO(picture.png), Inches(_EDGE), Inches(1.75), width=Inches(_WIDE - 2 * _EDGE)
        )
        shown._element.nvPicPr.cNvPr.set("descr", picture.caption)
        _box(slide, picture.caption, 6.55, 0.4, size=14, colour=_GREY)
    else:
        points = [fitted(point, _POINT) for point in section.points[:_POINTS]]
        _box(slide, "\n".join(f"•  {point}" for point in points), 1.75, 4.9, size=18, most=2_000)
    _box(
        slide, f"First draft, not checked by a person   {number}", 7.0, 0.35, size=11, colour=_GREY
    )


def _slide(file: Any) -> Any:
    slide = file.slides.add_slide(file.slide_layouts[6])
    from pptx.util import Inches

    bar = slide.shapes.add_shape(1, 0, 0, Inches(0.18), Inches(_HIGH))
    bar.fill.solid()
    bar.fill.fore_color.rgb = _colour(_GREEN)
    bar.line.fill.background()
    return slide


def _box(
    slide: Any,
    text: str,
    top: float,
    height: float,
    *,
    size: int,
    bold: bool = False,
    colour: tuple[int, int, int] = _INK,
    most: int = 200,
) -> None:
    from pptx.util import Inches, Pt

    shape = slide.shapes.add_textbox(
        Inches(_EDGE), Inches(top), Inches(_WIDE - 2 * _EDGE), Inches(height)
    )
    frame = shape.text_frame
    frame.word_wrap = True
    lines = fitted(text, most).split("\n")
    after = 10 if len(lines) > 1 else 0
    room = (_WIDE - 2 * _EDGE) * 72 - _INSETS
    while size > _SMALLEST and measured(lines, size, room, bold, after) > height * 72 - _INSETS:
        size -= 1
    for number, line in enumerate(lines):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        paragraph.space_after = Pt(after)
        run = paragraph.add_run()
        run.text = line
        run.font.size, run.font.bold, run.font.name = Pt(size), bold, "DejaVu Sans"
        run.font.color.rgb = _colour(colour)


def _colour(parts: tuple[int, int, int]) -> Any:
    from pptx.dml import color

    made: Any = color.RGBColor  # its types are not told
    return made(*parts)


def fitted(text: str, most: int) -> str:
    """The text, cut where it is wider than so many narrow characters."""
    width = 0
    for number, character in enumerate(text):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > most:
            return text[: number - 1].rstrip() + "…"
    return text
