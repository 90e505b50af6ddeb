"""The catalogue is whole, and its repositories are fetched and made as it says."""

import ast
import hashlib
import io
import json
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from pydantic import ValidationError

from evals.repositories.catalogue import OWN, Entry, Half, Sdist, catalogue
from evals.repositories.fetch import cache, fetch, make_repository, unpack
from labcrew.errors import EnvironmentBroken

OWN_ENTRY = {"name": "one", "own": "bike-hire", "sentence": "Lower the error.", "end": "no gain"}
ANSWERS = {
    "command": [r"hire\.py"],
    "metric": ["Test RMSE"],
    "direction": "minimize",
    "split": ["test"],
    "packages": ["numpy"],
    "parameters": [["a"], ["b"]],
}


@pytest.mark.parametrize("half", ["visible", "unseen"])
def test_each_half_has_enough_of_both_kinds(half: Half) -> None:
    entries = catalogue().half(half)
    assert len(entries) >= 12
    assert sum(entry.real for entry in entries) >= 8


def test_the_catalogue_has_enough_entries_of_enough_packages() -> None:
    entries = catalogue().entries
    assert len(entries) >= 24
    assert len({e.own for e in entries if e.own}) >= 8
    assert len({e.name for e in entries if e.real and not e.refusals}) >= 16
    others = {e.sdist.package for e in entries if e.sdist} - {"scikit-learn==1.9.1"}
    assert len(others) >= 3


def test_every_folder_of_our_own_is_used_and_its_python_parses() -> None:
    assert {e.own for e in catalogue().entries if e.own} == {f.name for f in OWN.iterdir()}
    programs = list(OWN.rglob("*.py"))
    assert programs
    for program in programs:
        ast.parse(program.read_text(encoding="utf-8"), program.name)
    for notebook in OWN.rglob("*.ipynb"):
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        ast.parse("\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code"))


def test_the_half_is_a_matter_of_the_name_alone() -> None:
    for entry in catalogue().entries:
        even = int(hashlib.sha256(entry.name.encode()).hexdigest(), 16) % 2 == 0
        assert entry.half == ("visible" if even else "unseen")


@pytest.mark.parametrize(
    "change",
    [
        {"own": "no-such-folder"},
        {"own": ""},
        {"end": "better"},
        {"end": "refusal:tired"},
        {"end": "refusal:download"},
        {"answers": None},
        {"answers": ANSWERS | {"command": ["("]}},
        {"answers": ANSWERS | {"parameters": [["a"]]}},
    ],
)
def test_an_incomplete_entry_is_refused(change: dict[str, object]) -> None:
    Entry.model_validate(OWN_ENTRY | {"answers": ANSWERS})
    with pytest.raises(ValidationError):
        Entry.model_validate(OWN_ENTRY | {"answers": ANSWERS} | change)


def test_names_stand_once(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.toml"
    table = '[{0}]\nown = "bike-hire"\nsentence = "Lower it."\nend = "refusal:download"\n'
    file.write_text(table.format("a") + table.format("b"))
    assert [entry.name for entry in catalogue(file).entries] == ["a", "b"]
    assert catalogue(file).entries[0].refusals == ("download",)


def _archive(*extra: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text, mode in (
            ("thing-1.0/examples/run.py", b"print(1)\n", 0o644),
            ("thing-1.0/examples/go.sh", b"#!/bin/sh\n", 0o755),
            ("thing-1.0/examples/.git/config", b"[core]\n", 0o644),
            ("thing-1.0/setup.py", b"raise SystemExit\n", 0o644),
            ("thing-1.0/../../outside.py", b"", 0o644),
            ("/examples/absolute.py", b"", 0o644),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), mode
            tar.addfile(member, io.BytesIO(text))
        for member in extra:
            tar.addfile(member)
    return packed.getvalue()


def _sdist(data: bytes, **changes: object) -> Sdist:
    fields = {
        "package": "Some.Thing==1.0",
        "file": "thing-1.0.tar.gz",
        "sha256": hashlib.sha256(data).hexdigest(),
        "keep": ["examples"],
        "root": "examples",
    }
    return Sdist.model_validate(fields | changes)


@contextmanager
def _index(data: bytes, kind: str) -> Iterator[tuple[str, list[str]]]:
    """A package index with one file: its address, and the paths that were asked for."""
    asked: list[str] = []
    digest = hashlib.sha256(data).hexdigest()
    name = "thing-1.0.tar.gz"
    if kind == "text/html":
        page = f'<a href="../../files/{name}#sha256={digest}">{name}</a>'.encode()
    else:
        file = {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": digest}}
        page = json.dumps({"files": [file]}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            pages = {"/simple/some-thing/": (kind, page), f"/files/{name}": ("x/gzip", data)}
            found = pages.get(self.path)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", found[0] if found else "text/plain")
            self.end_headers()
            self.wfile.write(found[1] if found else b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/simple", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABCREW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.mark.parametrize("kind", ["text/html", "application/vnd.pypi.simple.v1+json"])
def test_an_archive_is_fetched_once(kind: str) -> None:
    data = _archive()
    with _index(data, kind) as (address, asked):
        kept = fetch(_sdist(data), address)
        assert kept.read_bytes() == data
        assert kept == cache() / "thing-1.0.tar.gz"
        assert fetch(_sdist(data), address) == kept
        assert asked == ["/simple/some-thing/", "/files/thing-1.0.tar.gz"]


def test_another_hash_or_a_missing_file_is_refused() -> None:
    data = _archive()
    with _index(data, "text/html") as (address, _):
        with pytest.raises(EnvironmentBroken, match="the catalogue 0000"):
            fetch(_sdist(data, sha256="0" * 64), address)
        with pytest.raises(EnvironmentBroken, match=r"has no other-1\.0\.tar\.gz"):
            fetch(_sdist(data, file="other-1.0.tar.gz"), address)
        with pytest.raises(EnvironmentBroken, match="did not give"):
            fetch(_sdist(data, package="absent==1.0"), address)
    assert not cache().exists()


def test_only_wanted_plain_files_are_unpacked(tmp_path: Path) -> None:
    link = tarfile.TarInfo("thing-1.0/examples/link.py")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    data = _archive(link)
    archive = tmp_path / "thing-1.0.tar.gz"
    archive.write_bytes(data)
    folder = tmp_path / "repository"
    folder.mkdir()
    unpack(archive, _sdist(data), folder)
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {
        "run.py": 0o644,
        "go.sh": 0o755,
    }
    with pytest.raises(EnvironmentBroken, match="does not hold absent"):
        unpack(archive, _sdist(data, keep=["examples", "absent"]), tmp_path / "other")


def test_a_repository_has_the_same_commit_each_time(tmp_path: Path) -> None:
    entry = next(e for e in catalogue().entries if e.own == "topic-sorter")
    heads = []
    for name in ("a", "b"):
        folder = make_repository(entry, tmp_path / name)
        heads.append((folder / ".git/refs/heads/main").read_text())
        assert (folder / "run.sh").stat().st_mode & stat.S_IXUSR
    assert heads[0] == heads[1]
    with pytest.raises(EnvironmentBroken, match="not empty"):
        make_repository(entry, tmp_path / "a")
