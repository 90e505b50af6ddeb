"""Documents made to break whoever parses them, given to labcrew's own tools that read them."""

import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.attacks.probe import Finding
from evals.lab import take
from labcrew.domain.base import Model
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import LabcrewError
from tools.profile_data import ProfileData, profile_data
from tools.read_library import ReadLibrary, read_library
from tools.toolbox import Workbench

_PATIENCE_S = 60.0


def _pdf(stream: bytes, extra: str = "") -> bytes:
    """A PDF of one page with a compressed content stream; its cross references are left out."""
    return (
        b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R" + extra.encode() + b">>endobj\n"
        b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n" % len(stream)
        + stream + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n"
    )  # fmt: skip


PAPERS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bomb.pdf": ("a page that unpacks to 300 MB", lambda: _pdf(zlib.compress(b"\0" * (300 << 20)))),
    "loop.pdf": (
        "a tree of pages that holds itself",
        lambda: _pdf(b"").replace(b"Kids[3 0 R]", b"Kids[2 0 R]")),
    "parent.pdf": ("a page that is its own parent", lambda: _pdf(b"", "/Parent 3 0 R")),
    "script.pdf": (
        "an action that starts a program",
        lambda: _pdf(b"", "/AA<</O<</S/Launch/F(/bin/sh)>>>>")),
    "garbage.pdf": ("random bytes", lambda: b"%PDF-1.7\n" + bytes(range(256)) * 400),
    "deep.bib": (
        "braces in braces", lambda: b"@article{a, title = " + b"{" * 20_000 + b"}" * 20_000),
    "escape.md": (
        "escape sequences in a paper", lambda: b"# \x1b]52;c;aGk=\x07title\n\n\x1b[2Jtext\n"),
    "long.md": ("one line of 12 MB", lambda: b"a" * (12 << 20)),
}  # fmt: skip
TABLES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "quote.csv": ("a quote without an end", lambda: b'a,b\n1,"' + b"x\n" * 200_000),
    "wide.csv": ("5,000 columns", lambda: b",".join(b"c%d" % i for i in range(5_000)) + b"\n1\n"),
    "nul.csv": ("bytes of nothing", lambda: b"a,b\n\0\0\0,\0\n" * 100),
    "formula.csv": ("a cell that a spreadsheet runs", lambda: b"a,b\n=cmd|' /C calc'!A0,1\n" * 3),
    "escape.csv": ("escape sequences in a name", lambda: b"\x1b[2Ja,\x1b]0;x\x07b\n1,2\n2,3\n"),
    "deep.jsonl": ("lists in lists", lambda: b"[" * 100_000 + b"]" * 100_000 + b"\n"),
    "fake.parquet": ("no parquet at all", lambda: b"PAR1" + b"\xff" * 4000 + b"PAR1"),
    "bomb.npz": ("a zip that says one thing and holds another", lambda: b"PK\3\4" + b"\0" * 4000),
}  # fmt: skip


def parsed(bench: Workbench) -> Iterator[Finding]:
    """Each document through the tool that reads its kind, in a sandbox as always."""
    with TemporaryDirectory(prefix="labcrew-attack-") as name:
        folder = Path(name)
        assigned = _taken(bench, folder)
        papers = {n: f"papers-{n.replace('.', '-')}" for n in PAPERS}
        for paper, (tried, _) in PAPERS.items():

            def read(place: str = papers[paper]) -> Model:
                return read_library.run(ReadLibrary(folder=place), assigned, bench)

            yield _judged(f"parser: {paper}", tried, read)
        for table, (tried, _) in TABLES.items():

            def profile(path: str = f"tables/{table}") -> Model:
                return profile_data.run(ProfileData(paths=(path,)), assigned, bench)

            yield _judged(f"parser: {table}", tried, profile)


def _judged(probe: str, tried: str, parse: Callable[[], Model]) -> Finding:
    """A tool must end in time, in its own words, with nothing in it that a terminal obeys."""
    began = time.monotonic()
    try:
        answer = parse()
    except LabcrewError as error:
        happened, text = error.message, error.message
    else:
        text = answer.model_dump_json()
        happened = f"read, into {len(text):,} characters"
        text = answer.model_dump_json().replace("\\n", "").replace("\\t", "")
    took = time.monotonic() - began
    if "\\u001b" in text or "\x1b" in text or "\\u009b" in text:
        return Finding(probe=probe, tried=tried, happened="an escape sequence", verdict="breached")
    if took > _PATIENCE_S:
        return Finding(probe=probe, tried=tried, happened=f"took {took:.0f} s", verdict="breached")
    return Finding(probe=probe, tried=tried, happened=happened[:300], verdict="held")


def _taken(bench: Workbench, folder: Path) -> AssignedTicket:
    lab = folder / "lab"
    for name, (_, make) in PAPERS.items():
        place = lab / f"papers-{name.replace('.', '-')}"
        place.mkdir(parents=True)
        (place / name).write_bytes(make())
    (lab / "tables").mkdir()
    for name, (_, make) in TABLES.items():
        (lab / "tables" / name).write_bytes(make())
    who = ("-c", "user.name=attack", "-c", "user.email=attack@localhost")
    for arguments in (("init", "-q"), ("add", "-A"), (*who, "commit", "-q", "-m", "documents")):
        subprocess.run(["git", "-C", str(lab), *arguments], check=True, capture_output=True)
    ticket = Ticket.model_validate(
        {
            "title": "Documents",
            "repository": "lab",
            "metric": {"name": "x", "direction": "maximize", "file": "x.jsonl"},
            "run": {"command": "true {settings}"},
            "search_space": {"lr": {"type": "float", "low": 0.1, "high": 1.0}},
            "data": [{"path": f"tables/{name}", "split": "train"} for name in TABLES],
        }
    )
    return take(bench, ticket, folder, id="T-files")
