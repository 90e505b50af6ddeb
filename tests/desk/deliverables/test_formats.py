"""Every format says the same numbers as the ledger, whatever words it has to carry."""

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from desk.deliverables.document import Document, Paragraph, Section
from desk.deliverables.drafting import document
from desk.deliverables.formats import FORMATS, Format, deliverable
from desk.deliverables.slides_writer import fitted, to_slides
from desk.wiring import Opened
from labcrew.domain.experiment import Incident
from labcrew.domain.research import Citation, Finding
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import SettingsError
from tests.desk.records import merge_request, score, trial
from tests.tickets import make_assigned

ODD = "Größe Ελληνικά Кириллица <script>alert(1)</script> | *a* _b_ [x](javascript:y) \x1b[31m"


def read_pdf(made: bytes) -> str:
    import pypdf

    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    return "\n".join(page.extract_text() for page in pages)


def read_word(made: bytes) -> str:
    import docx

    file = docx.Document(io.BytesIO(made))
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(p.text for p in file.paragraphs), *cells])


def read_slides(made: bytes) -> str:
    import pptx

    slides: Any = pptx.Presentation(io.BytesIO(made)).slides
    shapes = [shape for slide in slides for shape in slide.shapes if shape.has_text_frame]
    return "\n".join(shape.text_frame.text for shape in shapes)


READERS: dict[Format, Callable[[bytes], str]] = {
    "md": bytes.decode,
    "html": bytes.decode,
    "pdf": read_pdf,
    "docx": read_word,
    "pptx": read_slides,
}


@pytest.fixture
def assigned(opened: Opened) -> AssignedTicket:
    """A ticket with a result, an incident, a source, and odd words everywhere."""
    made = make_assigned(title=ODD.replace("\x1b", ""), question=f"{ODD[:40]}\n\nWhy? {'x' * 3000}")
    opened.ledger.tickets.put(made, actor="person:ada", kind="ticket.assigned")
    trials = [trial(opened, made.id, number) for number in range(5)]
    request = merge_request(opened, made, trials[-1])
    evidence = tuple(
        type(request.evidence[0])(
            key=key, value=value, digits=4, statistic="mean", scores=(score(trials[0].id, value),)
        )
        for key, value in (
            ("validation_baseline_mean", 0.81237), ("validation_best_mean", 0.91238),
            ("validation_gain", 0.10001), ("validation_gain_low", 0.05),
            ("validation_gain_high", 0.15), ("holdout_baseline_mean", 0.8012),
            ("holdout_best_mean", 0.9034), ("holdout_gain", 0.1022),
        )
    )  # fmt: skip
    changed = request.model_copy(update={"evidence": evidence, "verdict": "improves"})
    opened.ledger.merge_requests.put(changed, actor="merge_request")
    trial(opened, made.id, 7, status="failed", score=None)
    opened.ledger.incidents.put(
        Incident.model_validate(
            {
                "id": f"{made.id}-I1", "ticket": made.id, "trial": trials[0].id,
                "kind": "not_finite", "at_s": 3, "diagnosis": ODD, "evidence": ("loss nan",),
            }
        ),
        actor="log_monitor",
    )  # fmt: skip
    citation = Citation.model_validate(
        {"key": "Lovelace1843", "title": ODD, "locator": "page 3", "verification": "unverified"}
    )
    opened.ledger.findings.put(
        Finding.model_validate(
            {"id": f"{made.id}-F1", "ticket": made.id, "claim": ODD, "citation": citation,
             "confidence": 0.5, "relevance": 0.5}
        ),
        actor="literature_review",
    )  # fmt: skip
    return made


@pytest.mark.parametrize("format", FORMATS)
def test_every_number_is_the_ledgers(
    opened: Opened, assigned: AssignedTicket, format: Format
) -> None:
    text = READERS[format](deliverable(opened.ledger, assigned, format))
    request = opened.ledger.merge_requests.of(assigned.id)[-1]
    for each in request.evidence:
        if not each.key.endswith(("low", "high")) or format != "pptx":
            assert each.rendered() in text, each.key
    known = {each.rendered() for each in request.evidence}
    known |= {f"{t.score.value:.6g}" for t in opened.ledger.trials.of(assigned.id) if t.score}
    known |= {"0.00", "0.0000", "1.00", "0.05", "0.06"}  # cost and hours
    if format not in ("html", "md"):  # whose plots are letters too
        assert set(re.findall(r"(?<![\w.])0\.\d{3,}", text)) <= known


@pytest.mark.parametrize("format", FORMATS)
def test_it_says_what_nobody_checked_and_what_failed(
    opened: Opened, assigned: AssignedTicket, format: Format
) -> None:
    text = READERS[format](deliverable(opened.ledger, assigned, format))
    flat = " ".join(text.split()).replace("\\", "")
    assert "ot checked by a person" in flat
    assert "no person decided on it" in flat
    assert "unverified" in flat
    assert f"{assigned.id}-007" in flat.replace(" ", "")
    assert "USD" in flat


@pytest.mark.parametrize("format", FORMATS)
def test_it_carries_other_letters_and_no_markup(
    opened: Opened, assigned: AssignedTicket, format: Format
) -> None:
    made = deliverable(opened.ledger, assigned, format)
    text = READERS[format](made)
    for word in ("Größe", "Ελληνικά", "Кириллица"):
        assert word in text
    assert "\x1b" not in text
    if format == "html":
        assert "<script" not in text
    if format == "md":
        assert "<script" not in text.replace("\\<", "")
        assert "[x](javascript" not in text


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_ledger_makes_the_same_bytes(
    opened: Opened, assigned: AssignedTicket, format: Format
) -> None:
    first = deliverable(opened.ledger, assigned, format)
    assert deliverable(opened.ledger, assigned, format) == first


def test_slides_are_six_to_ten_with_a_message_each_and_hold_what_they_show(
    opened: Opened, assigned: AssignedTicket
) -> None:
    import pptx

    file: Any = pptx.Presentation(io.BytesIO(deliverable(opened.ledger, assigned, "pptx")))
    assert 6 <= len(file.slides) <= 10
    for slide in file.slides:
        boxes = [shape for shape in slide.shapes if shape.has_text_frame and shape.text_frame.text]
        assert len(boxes[0].text_frame.text) <= 97
        for shape in slide.shapes:
            assert shape.left + shape.width <= file.slide_width
            assert shape.top + shape.height <= file.slide_height
        for box in boxes:
            assert needed(box) <= box.height, box.text_frame.text


def needed(box: Any) -> float:
    """The height of a box's text: Matplotlib measures its own DejaVu, which it is set in."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    total = 2 * 45_720.0  # the box's own margins
    for paragraph in box.text_frame.paragraphs:
        (run,) = paragraph.runs or [None]
        if run is None:
            continue
        font = FontProperties(family="DejaVu Sans", weight="bold" if run.font.bold else "normal")
        points = run.font.size.pt
        drawn = TextPath((0, 0), run.text.replace("$", "S"), size=points, prop=font)
        lines = 1 + int(drawn.get_extents().width * 12_700 * 1.05 // (box.width - 2 * 91_440))
        total += (lines * points * 1.17 + (paragraph.space_after or 0) / 12_700) * 12_700
    return total


def test_slides_of_the_widest_words_hold_too() -> None:
    words = "WMWMWMWM " * 60
    section = Section(title="t", message=words, blocks=(Paragraph(text="x"),), points=(words,) * 9)
    made = Document(
        title=words, subtitle=words, warning=words, at="2026-01-01T00:00:00+00:00",
        sections=(section,) * 20,
    )  # fmt: skip
    import pptx

    file: Any = pptx.Presentation(io.BytesIO(to_slides(made)))
    assert len(file.slides) == 10
    for slide in file.slides:
        for shape in slide.shapes:
            if shape.has_text_frame and shape.text_frame.text:
                assert needed(shape) <= shape.height, shape.text_frame.text[:60]


@pytest.mark.parametrize(
    ("text", "cut"), [("abc", "abc"), ("abcdef", "abcd…"), ("語語語語", "語…")]
)
def test_cutting_counts_wide_characters_twice(text: str, cut: str) -> None:
    assert fitted(text, 5 if text != "語語語語" else 4) == cut


def test_a_ticket_without_a_result_is_told_too(opened: Opened) -> None:
    made = make_assigned()
    opened.ledger.tickets.put(made, actor="person:ada", kind="ticket.assigned")
    assert "There is no result yet" in document(opened.ledger, made).sections[1].message
    for format in FORMATS:
        assert "no result yet" in READERS[format](deliverable(opened.ledger, made, format))


def test_long_tables_go_on_over_pages(opened: Opened) -> None:
    import pypdf

    made = make_assigned()
    opened.ledger.tickets.put(made, actor="person:ada", kind="ticket.assigned")
    for number in range(150):
        trial(opened, made.id, number)
    read = pypdf.PdfReader(io.BytesIO(deliverable(opened.ledger, made, "pdf")))
    texts = [page.extract_text() for page in read.pages]
    assert len(texts) >= 4
    assert sum("settings" in text for text in texts) >= 3, "the head is repeated"
    assert f"{made.id}-149" in "".join(texts)


def test_without_the_extra_it_says_what_to_install(
    opened: Opened, assigned: AssignedTicket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("fpdf", "docx", "pptx"):
        monkeypatch.setitem(sys.modules, name, None)
    for format in ("pdf", "docx", "pptx"):
        with pytest.raises(SettingsError, match="reports"):
            deliverable(opened.ledger, assigned, format)
    assert deliverable(opened.ledger, assigned, "html")
