"""Every format says the same numbers as the ledger, whatever words it has to carry."""

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from desk.deliverables.document import Document, Paragraph, Section, Table
from desk.deliverables.drafting import document
from desk.deliverables.formats import FORMATS, Format, deliverable
from desk.deliverables.pdf_writer import to_pdf
from desk.deliverables.plain import line
from desk.deliverables.slides_writer import fitted, to_slides
from desk.deliverables.word_writer import to_word
from desk.wiring import Opened
from labcrew.deciding import decide
from labcrew.domain.experiment import Incident
from labcrew.domain.research import Citation, Finding
from labcrew.domain.review import Evidence, MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import SettingsError
from tests.desk.records import merge_request, score, superseded, trial
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


@pytest.fixture
def bare(opened: Opened) -> AssignedTicket:
    """A ticket with nothing yet."""
    made = make_assigned()
    opened.ledger.tickets.put(made, actor="person:ada", kind="ticket.assigned")
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


def proved(opened: Opened, assigned: AssignedTicket, *splits: str, seeds: int = 3) -> MergeRequest:
    """A merge request that rests on these splits."""
    request = merge_request(opened, assigned, trial(opened, assigned.id, 0))
    measured = tuple(score(f"{assigned.id}-{seed:03d}", 0.5) for seed in range(seeds))
    evidence = tuple(
        Evidence(
            key=f"{split}_{name}", value=0.5, digits=4, scores=measured,
            statistic="std" if name.endswith("std") else "mean",
        )
        for split in splits
        for name in ("baseline_mean", "baseline_std", "best_mean", "best_std", "gain")
    )  # fmt: skip
    request = request.model_copy(update={"evidence": evidence})
    opened.ledger.merge_requests.put(request, actor="merge_request")
    return request


def told(opened: Opened, assigned: AssignedTicket) -> tuple[str, str]:
    """What was found, and what nobody has checked, as text."""
    made = document(opened.ledger, assigned)
    return str(made.sections[1]), str(made.sections[-1])


def test_a_holdout_that_was_never_opened_is_not_said_to_be(
    opened: Opened, bare: AssignedTicket
) -> None:
    proved(opened, bare, "validation", "fresh")
    found, unchecked = told(opened, bare)
    assert "holdout" not in found
    assert "fresh seeds" in found
    assert "with fresh seeds on the same data" in found
    assert "data that nobody has used yet" in unchecked


def test_a_holdout_of_several_revisions_is_no_longer_unseen(
    opened: Opened, bare: AssignedTicket
) -> None:
    request = proved(opened, bare, "validation", "holdout")
    found, unchecked = told(opened, bare)
    assert "the holdout was opened once" in found
    assert "data that nobody has used yet" not in unchecked
    superseded(opened, request)
    assert "opened in 2 revisions, so it is no longer unseen" in told(opened, bare)[0]


def test_fresh_seeds_of_several_revisions_are_no_longer_unseen(
    opened: Opened, bare: AssignedTicket
) -> None:
    request = proved(opened, bare, "validation", "fresh")
    assert "the comparison with fresh seeds was made once" in told(opened, bare)[0]
    superseded(opened, request)
    assert "made in 2 revisions, so it is no longer unseen" in told(opened, bare)[0]


def test_one_seed_has_no_deviation_and_tells_no_gain_from_noise(
    opened: Opened, bare: AssignedTicket
) -> None:
    request = proved(opened, bare, "validation", "holdout", seeds=1)
    unmeasured = request.model_copy(update={"verdict": "unmeasured", "gain": None})
    opened.ledger.merge_requests.put(unmeasured, actor="merge_request")
    found, unchecked = told(opened, bare)
    assert " ± 0" not in found
    assert "too few seeds to tell a gain from noise" in found
    assert "data that nobody has used yet" in unchecked


def test_a_decision_on_an_older_revision_checks_nothing_of_the_newest(
    opened: Opened, bare: AssignedTicket
) -> None:
    first = proved(opened, bare, "validation", "holdout")
    assert "the change itself" in told(opened, bare)[1]
    gate = f"{bare.id}-merge-r0.0"
    decide(opened.ledger, opened.clock, gate, "respond", by="ada", comment="Try more.")
    assert "the change itself" not in told(opened, bare)[1]
    superseded(opened, first)
    assert "the change itself: no person decided on it" in told(opened, bare)[1]


def test_a_failed_run_with_an_incident_went_wrong_once(
    opened: Opened, assigned: AssignedTicket
) -> None:
    failed = opened.ledger.trials.get(f"{assigned.id}-007")
    incident = opened.ledger.incidents.of(assigned.id)[0]
    more = incident.model_copy(update={"id": f"{assigned.id}-I2", "trial": failed.id})
    opened.ledger.incidents.put(more, actor="log_monitor")
    made = document(opened.ledger, assigned)
    assert "2 things went wrong" in [section.message for section in made.sections]


@pytest.mark.parametrize("cell", ["word " * 800, "x" * 4000, "line\n" * 300])
def test_a_cell_that_no_page_holds_goes_on_over_pages(cell: str) -> None:
    wide = Table(head=("run", "settings", "seed"), rows=(("T-1", cell, "0"), ("T-2", "a", "1")))
    section = Section(title="t", message="m", blocks=(wide,))
    made = Document(
        title="t", subtitle="s", warning="w", at="2026-01-01T00:00:00+00:00", sections=(section,)
    )
    letters = "".join(read_pdf(to_pdf(made)).split())
    assert letters.count(cell.split()[0][:4]) >= len(cell.split())
    assert "T-2a1" in letters


@pytest.mark.parametrize("write", [to_word, to_slides])
def test_what_is_no_character_stops_no_file(write: Callable[[Document], bytes]) -> None:
    """Text that was taken out of a PDF holds it; no XML may."""
    said = line("soft\ufffehyphen\uffff")
    section = Section(title=said, message=said, blocks=(Paragraph(text=said),), points=(said,))
    at = "2026-01-01T00:00:00+00:00"
    assert write(Document(title=said, subtitle=said, warning=said, at=at, sections=(section,)))


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
