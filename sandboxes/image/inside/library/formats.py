"""The kinds of document: BibTeX, PDF and Markdown, each to (facts, [(locator, text)])."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any, TypedDict

MOST_BYTES = 64 << 20
MOST_PAGES = 500
PASSAGE_CHARACTERS = 20_000
LINE_HYPHEN = re.compile(r"(?<=[a-z])[-\u00ad]\n(?=[a-z])")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")
YEAR = re.compile(r"\b(1[5-9]|20)\d\d\b")


class Facts(TypedDict):
    """What is known of a document beside its text; empty where nothing is."""

    key: str
    title: str
    authors: list[str]
    year: int | None
    venue: str


Passages = list[tuple[str, str]]
"""Places and what stands there."""


class Skipped(Exception):
    """A file that is left out, with the reason."""


class TooSlow(BaseException):
    """A file took longer than it may; no Exception, which parsers catch."""


def plain(text: object, most: int = PASSAGE_CHARACTERS) -> str:
    """Text on one line, without control characters or lone surrogates, capped."""
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    return " ".join(CONTROL.sub(" ", whole).split())[:most]


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises Skipped for an empty or a huge one."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise Skipped(f"larger than {MOST_BYTES >> 20} MiB")
    if size == 0:
        raise Skipped("empty")
    return path.read_bytes()


def read_text(path: Path, where: str, problems: list[str]) -> str:
    """A file's text, unreadable characters replaced."""
    raw = read_bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{where}: not UTF-8, unreadable characters were replaced")
        return raw.decode("utf-8", "replace")


def people(text: object) -> list[str]:
    """Names of "A and B" or "A; B", each with its given name first."""
    names = re.split(r"\s+and\s+|\s*;\s*", plain(text, 5000))
    turned = [" ".join(reversed(n.split(", ", 1))) if ", " in n else n for n in names]
    return [name for name in turned if name and name != "others"][:100]


def year_of(text: object) -> int | None:
    """The first year between 1500 and 2099 in a text."""
    match = YEAR.search(str(text))
    return int(match.group()) if match else None


def read_bibtex(path: Path, where: str, problems: list[str]) -> list[tuple[Facts, Passages]]:
    """Entries of a BibTeX file with their abstracts and notes."""
    from bibtexparser import middlewares
    from bibtexparser.entrypoint import parse_string

    text = read_text(path, where, problems)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        library = parse_string(text, append_middleware=[middlewares.LatexDecodingMiddleware()])
    for block in library.failed_blocks:
        line = (block.start_line or 0) + 1
        problems.append(f"{where}, line {line}: this entry can't be read, left out")
    entries = []
    for entry in library.entries:
        fields = {name.lower(): plain(field.value) for name, field in entry.fields_dict.items()}
        facts: Facts = {
            "key": plain(entry.key, 300),
            "title": fields.get("title", "")[:2000] or plain(entry.key, 300),
            "authors": people(fields.get("author", "")),
            "year": year_of(fields.get("year", fields.get("date", ""))),
            "venue": (fields.get("journal") or fields.get("booktitle") or "")[:2000],
        }
        passages = [
            (f"{where}, entry {facts['key']}, {name}", fields[name])
            for name in ("abstract", "note", "annote")
            if fields.get(name)
        ]
        entries.append((facts, passages))
    return entries


def read_pdf(path: Path, where: str, problems: list[str]) -> list[tuple[Facts, Passages]]:
    """A PDF's own title and authors, and its pages as (locator, text)."""
    import pypdf

    reader = pypdf.PdfReader(io.BytesIO(read_bytes(path)))
    if reader.is_encrypted and not reader.decrypt(""):
        raise Skipped("encrypted")
    facts: Facts = {"key": "", "title": "", "authors": [], "year": None, "venue": ""}
    with contextlib.suppress(Exception):  # a broken information dictionary costs no page
        about: Any = reader.metadata or {}
        facts["title"] = plain(about.get("/Title", ""), 2000)
        facts["authors"] = people(about.get("/Author", ""))
        facts["year"] = year_of(plain(about.get("/CreationDate", ""))[2:6])
    passages: Passages = []
    for number in range(1, len(reader.pages) + 1):
        if number > MOST_PAGES:
            problems.append(f"{where}: only the first {MOST_PAGES} pages were read")
            break
        try:
            text = reader.pages[number - 1].extract_text()
        except TooSlow:
            if not passages:
                raise
            problems.append(f"{where}: took too long from page {number} on, the rest was left out")
            break
        except Exception as error:
            problems.append(f"{where}, page {number}: can't be read ({type(error).__name__})")
            continue
        passages.append((f"{where}, page {number}", paragraphs(text)))
    if not any(text for _, text in passages):
        problems.append(f"{where}: no text in it (scanned pages?)")
    return [(facts, passages)]


def paragraphs(text: str) -> str:
    """A page's text, an empty line between its paragraphs.

    A PDF knows lines alone: a line that stops well short of the others, without a stop, before a
    capital, is a heading or a table's row.
    """
    lines = [line.strip() for line in LINE_HYPHEN.sub("", text).splitlines()]
    usual = sorted(len(line) for line in lines if line)
    width = usual[len(usual) * 3 // 4] if usual else 0
    parts: list[list[str]] = [[]]
    for line, following in zip(lines, [*lines[1:], ""][: len(lines)], strict=True):
        parts[-1].append(line)
        short = len(line) < 0.7 * width and line[-1:] not in ".,;:-"
        if not line or (short and not following[:1].islower()):
            parts.append([])
    joined = (plain(" ".join(part)) for part in parts)
    return "\n\n".join(part for part in joined if part)[:PASSAGE_CHARACTERS]


def read_markdown(path: Path, where: str, problems: list[str]) -> list[tuple[Facts, Passages]]:
    """A Markdown file's facts and its paragraphs and list items as (locator, text)."""
    lines = read_text(path, where, problems).splitlines()
    facts: Facts = {"key": "", "title": "", "authors": [], "year": None, "venue": ""}
    start = 0
    if lines and lines[0].strip() == "---":
        ends = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if ends is not None:
            front_matter(facts, "\n".join(lines[1:ends]), where, problems)
            start = ends + 1
    passages: Passages = []
    paragraph: list[str] = []
    first, fence = 0, ""

    def close() -> None:
        if paragraph:
            passages.append((f"{where}, line {first}", plain(" ".join(paragraph))))
            paragraph.clear()

    for number, line in enumerate(lines[start:], start + 1):
        bare = line.strip()
        marker = re.match(r"(`{3,}|~{3,})", bare)
        if fence or marker:
            close()
            if fence and bare.startswith(fence) and not bare.strip(fence[0]):
                fence = ""
            elif not fence and marker:
                fence = marker.group()
            continue
        heading = re.match(r"#{1,6}\s+(.*?)[\s#]*$", bare)
        if heading or not bare or bare.startswith(("|", "<!--")) or set(bare) <= set("-=*_ "):
            close()
            if heading and not facts["title"]:
                facts["title"] = plain(heading.group(1), 2000)
            continue
        item = re.match(r"(?:[-*+]|\d{1,3}[.)])\s+", bare)
        if item:
            close()
        if not paragraph:
            first = number
        paragraph.append(re.sub(r"^(?:>\s*)+", "", bare[item.end() :] if item else bare))
    close()
    return [(facts, passages)]


def front_matter(facts: Facts, text: str, where: str, problems: list[str]) -> None:
    """Takes title, authors, year, venue and key from a YAML header, where it has them."""
    from ruamel.yaml import YAML

    try:
        loaded: Any = YAML(typ="safe", pure=True).load(text)
    except Exception as error:  # whatever a hostile header makes the parser raise
        problems.append(f"{where}: its front matter is not YAML ({type(error).__name__}), ignored")
        return
    if not isinstance(loaded, dict):
        return
    authors = loaded.get("authors", loaded.get("author"))
    if isinstance(authors, list):
        facts["authors"] = [scalar(name, 300) for name in authors[:100] if scalar(name)]
    else:
        facts["authors"] = people(scalar(authors)) if scalar(authors) else []
    facts["key"] = scalar(loaded.get("key"), 300)
    facts["title"] = scalar(loaded.get("title"), 2000)
    facts["venue"] = scalar(loaded.get("venue"), 2000)
    facts["year"] = year_of(scalar(loaded.get("year")) or scalar(loaded.get("date")))


def scalar(value: object, most: int = 5000) -> str:
    """A YAML scalar as text; "" for a list or mapping, whose aliases may make it endless."""
    return "" if value is None or isinstance(value, list | dict | set) else plain(value, most)
