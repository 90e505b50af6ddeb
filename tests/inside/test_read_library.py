"""The script that reads a library, run as the sandbox runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INSIDE = Path(__file__).parents[2] / "sandboxes" / "image" / "inside"
BIB = r"""@article{lecun1998, title={Efficient {B}ack{P}rop}, year=1998,
  author={LeCun, Yann and Bottou, L{\'e}on}, booktitle={Tricks},
  abstract={Use a learning rate of 0.1. It is 5\% better.}}
@misc{broken, title={never closed
@article{lecun1998, title={again}}
@book{nothing2000, title={Only a title}, year={in press}}
"""


def read(folder: Path, *arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(INSIDE / "read_library.py"), str(folder), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or folder.parent,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) <= 8 << 20
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def pdf(*pages: str) -> bytes:
    """A PDF of plain text pages, one line of text a line."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(len(pages)))}]"
        f" /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, page in enumerate(pages):
        text = " ".join(f"({line}) Tj T*" for line in page.splitlines())
        stream = f"BT /F1 10 Tf 50 700 Td 12 TL {text} ET".encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents {5 + 2 * n} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        start,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "papers"
    made.mkdir()
    return made


def test_a_bibtex_abstract_with_its_facts(folder: Path) -> None:
    (folder / "all.bib").write_text(BIB)
    found = read(folder)
    [entry] = found["documents"]
    assert entry == {
        "key": "lecun1998",
        "title": "Efficient BackProp",
        "authors": ["Yann LeCun", "Léon Bottou"],
        "year": 1998,
        "venue": "Tricks",
        "locator": "papers/all.bib, entry lecun1998, abstract",
        "text": "Use a learning rate of 0.1. It is 5% better.",
    }
    assert len(found["problems"]) == 2
    assert all("papers/all.bib, line" in problem for problem in found["problems"])


def test_pdf_pages_take_their_facts_from_the_entry_in_the_file_name(folder: Path) -> None:
    (folder / "all.bib").write_text(BIB)
    (folder / "LeCun1998-efficient.pdf").write_bytes(
        pdf("A learning rate of 0.1 con-\nverges quickly here", "", "Page three")
    )
    pages = [d for d in read(folder)["documents"] if "page" in d["locator"]]
    assert [page["locator"].rsplit(", ", 1)[1] for page in pages] == ["page 1", "page 3"]
    assert pages[0]["text"] == "A learning rate of 0.1 converges quickly here"
    assert {page["key"] for page in pages} == {"lecun1998"}
    assert pages[0]["title"] == "Efficient BackProp"


def test_a_key_inside_another_word_makes_no_other_paper_of_a_file(folder: Path) -> None:
    (folder / "all.bib").write_text("@article{bert, title={BERT}, year={2018}}")
    for name in ("roberta.md", "notes_bert.md", "bert-2.md", "BERT.md"):
        (folder / name).write_text("A longer warm-up helps.")
    keys = {d["locator"].split(",")[0][7:]: d["key"] for d in read(folder)["documents"]}
    assert keys == {
        "roberta.md": "roberta", "notes_bert.md": "bert", "bert-2.md": "bert", "BERT.md": "bert",
    }  # fmt: skip


def test_markdown_paragraphs_with_lines(folder: Path) -> None:
    (folder / "note.md").write_text(
        "---\ntitle: Steps\nauthor: Ada Byron and Mary S.\ndate: 2019-05-01\n"
        "venue: Lab notes\n---\n"
        "# Another title\n\nFirst\nparagraph.\n\n- item one\n- item two\n  goes on\n\n"
        "```python\nlearning_rate = 9\n```\n\n| a | b |\n|---|---|\n\n> quoted words\n"
    )
    found = read(folder)["documents"]
    assert [(d["locator"], d["text"]) for d in found] == [
        ("papers/note.md, line 9", "First paragraph."),
        ("papers/note.md, line 12", "item one"),
        ("papers/note.md, line 13", "item two goes on"),
        ("papers/note.md, line 23", "quoted words"),
    ]
    assert {k: found[0][k] for k in ("key", "title", "authors", "year", "venue")} == {
        "key": "note",
        "title": "Steps",
        "authors": ["Ada Byron", "Mary S."],
        "year": 2019,
        "venue": "Lab notes",
    }


def test_the_first_heading_is_the_title(folder: Path) -> None:
    (folder / "note.md").write_text("## On steps ##\n\nText.\n\n# Later\n\nMore.\n")
    assert {d["title"] for d in read(folder)["documents"]} == {"On steps"}


def test_what_cannot_be_read_is_told_and_stops_nothing(folder: Path) -> None:
    (folder / "good.md").write_text("Good text.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\ngarbage")
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "half.pdf").write_bytes(pdf("text")[:200])
    (folder / "latin.md").write_bytes(b"caf\xe9 text")
    (folder / "front.md").write_text("---\n: [\n---\nStill read.\n")
    (folder / "link.md").symlink_to("/etc/passwd")
    (folder / "ignored.txt").write_text("not this kind")
    (folder / "scan.pdf").write_bytes(pdf(""))
    found = read(folder)
    assert {d["text"] for d in found["documents"]} == {
        "Good text.",
        "caf\ufffd text",
        "Still read.",
    }
    told = "\n".join(found["problems"])
    for name in (
        "broken.pdf",
        "empty.pdf",
        "half.pdf",
        "latin.md",
        "front.md",
        "link.md",
        "scan.pdf",
    ):
        assert f"papers/{name}: " in told
    assert "passwd" not in json.dumps(found)


def test_hostile_characters_and_sizes(folder: Path) -> None:
    (folder / "a.md").write_text(
        "\x1b[31mred\x1b[0m \u202egnirts\u202c nul\x00 end " + "x" * 50_000
    )
    [document] = read(folder)["documents"]
    assert not set("\x1b\u202e\u202c\x00") & set(document["text"])
    assert len(document["text"]) <= 20_000


def test_the_output_is_capped(folder: Path) -> None:
    for n in range(12):
        (folder / f"{n:02d}.md").write_text("\n\n".join(["word " * 3900] * 50))
    found = read(folder)
    assert "passages left out" in found["problems"][-1]
    assert len(found["documents"]) > 300


def test_a_slow_file_is_left_out_and_the_others_are_read(folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(*["some words on a page"] * 490))
    (folder / "b.md").write_text("Quick.")
    found = read(folder, "--seconds-per-file", "0.05")
    assert any("a.pdf" in problem and "took" in problem for problem in found["problems"])
    assert "Quick." in [d["text"] for d in found["documents"]]


def test_a_missing_folder_is_an_error(folder: Path) -> None:
    assert read(folder / "none")["error"] == "there is no folder none"


def test_subfolders_count_and_places_start_at_the_repository(tmp_path: Path) -> None:
    deep = tmp_path / "docs" / "papers" / "more"
    deep.mkdir(parents=True)
    (deep / "a.md").write_text("Text.")
    [document] = read(Path("docs/papers"), cwd=tmp_path)["documents"]
    assert document["locator"] == "docs/papers/more/a.md, line 1"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=400), min_size=3, max_size=3))
def test_wild_bytes_in_every_format(folder: Path, contents: list[bytes]) -> None:
    for suffix, content in zip((".md", ".bib", ".pdf"), contents, strict=True):
        (folder / f"wild{suffix}").write_bytes(
            (b"%PDF-1.4\n" if suffix == ".pdf" else b"") + content
        )
    found = read(folder)
    assert set(found) == {"documents", "problems"}
