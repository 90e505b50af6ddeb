"""Makes the benchmark's repositories: a folder of our own, or files of a source distribution.

Nothing of a source distribution is built or run here. Its address comes from this machine's own
pip configuration, its bytes must have the catalogue's hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import Request, urlopen

from evals.repositories.catalogue import OWN, Entry, Sdist
from labcrew.errors import EnvironmentBroken
from sandboxes.environments.host_pip import host_pip

ARCHIVE_LIMIT = 200 * 2**20
FILE_LIMIT = 20 * 2**20
TOTAL_LIMIT = 100 * 2**20
FILES_LIMIT = 5000

_JSON = "application/vnd.pypi.simple.v1+json"
_WHEN = "2024-01-01T00:00:00+00:00"


def make_repository(entry: Entry, folder: Path) -> Path:
    """Makes an entry's git repository: one commit, the same id on every machine.

    Args:
        entry: of the catalogue.
        folder: where it shall stand; must not exist or be empty.

    Raises:
        EnvironmentBroken: the index or the archive can't be read, or isn't what was written down.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise EnvironmentBroken(f"{folder} is not empty", "Name an empty folder.")
    if entry.sdist is not None:
        unpack(fetch(entry.sdist), entry.sdist, folder)
    else:
        shutil.copytree(
            OWN / entry.own,
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    _commit(folder)
    return folder


def cache() -> Path:
    """The folder of fetched archives; LABCREW_CACHE names another parent."""
    parent = os.environ.get("LABCREW_CACHE")
    return (Path(parent) if parent else Path.home() / ".cache" / "labcrew") / "sdists"


def fetch(sdist: Sdist, index: str | None = None) -> Path:
    """The archive, from the cache or else from the index.

    Args:
        sdist: which one, with its hash.
        index: the address of a simple index; default: the one that this machine's pip uses.

    Raises:
        EnvironmentBroken: it isn't there, is too large, or has another hash.
    """
    kept = cache() / sdist.file
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == sdist.sha256:
        return kept
    pip = host_pip()
    page_address = f"{(index or pip.index).rstrip('/')}/{_project(sdist)}/"
    # A bundle of its own may hold a proxy's certificate only: it adds to the system's.
    trust = ssl.create_default_context()
    if pip.certificates:
        trust.load_verify_locations(cadata=pip.certificates.decode("ascii", "ignore"))
    page, kind = _get(page_address, trust, 50 * 2**20)
    address, stated = _find(page, kind, page_address, sdist)
    data, _ = _get(address, trust, ARCHIVE_LIMIT)
    found = hashlib.sha256(data).hexdigest()
    if found != sdist.sha256 or (stated and stated != sdist.sha256):
        raise EnvironmentBroken(
            f"{sdist.file} has the hash {found}, the index states {stated or 'none'},"
            f" the catalogue {sdist.sha256}",
            "The file was changed or the catalogue is wrong; nothing was unpacked.",
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(kept)
    return kept


def unpack(archive: Path, sdist: Sdist, folder: Path) -> None:
    """Unpacks the wanted plain files; links, devices and paths that lead out are left.

    Args:
        archive: the sdist.
        sdist: what is kept.
        folder: the repository's root.

    Raises:
        EnvironmentBroken: a wanted path is missing, or there is too much of it.
    """
    found: set[str] = set()
    total = count = 0
    for name, size, executable, read in _members(archive):
        inner = PurePosixPath(*name.parts[1:])
        wanted = next((kept for kept in sdist.keep if _below(inner, kept)), None)
        if wanted is None:
            continue
        found.add(wanted)
        total, count = total + size, count + 1
        if size > FILE_LIMIT or total > TOTAL_LIMIT or count > FILES_LIMIT:
            raise EnvironmentBroken(
                f"{sdist.file} holds too much at {inner}", "Keep fewer of its files."
            )
        target = folder / (
            inner.relative_to(sdist.root) if sdist.root and _below(inner, sdist.root) else inner
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read())
        target.chmod(0o755 if executable else 0o644)
    if missing := sorted(set(sdist.keep) - found):
        raise EnvironmentBroken(
            f"{sdist.file} does not hold {', '.join(missing)}", "Look at the catalogue's keep."
        )


def _members(archive: Path) -> Iterator[tuple[PurePosixPath, int, bool, Callable[[], bytes]]]:
    """(path, bytes, executable, read) of each plain file whose path stays inside."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                mode, path = info.external_attr >> 16, PurePosixPath(info.filename)
                plain = not info.is_dir() and (mode & 0o170000) in {0, 0o100000}
                if plain and _stays(path):
                    yield path, info.file_size, bool(mode & 0o111), partial(packed.read, info)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if member.isreg() and _stays(path):
                yield path, member.size, bool(member.mode & 0o111), partial(_read, tar, member)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def _stays(path: PurePosixPath) -> bool:
    return (
        len(path.parts) > 1
        and not path.is_absolute()
        and not {"..", ".git"} & {part.lower() for part in path.parts}
    )


def _below(path: PurePosixPath, kept: str) -> bool:
    return path == PurePosixPath(kept) or PurePosixPath(kept) in path.parents


def _project(sdist: Sdist) -> str:
    """The package's name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", sdist.package.partition("==")[0]).lower()


def _get(address: str, trust: ssl.SSLContext, limit: int) -> tuple[bytes, str]:
    """The bytes at an address and their content type."""
    if urlsplit(address).scheme not in {"http", "https"}:
        raise EnvironmentBroken(
            f"The package index is at a {urlsplit(address).scheme or 'strange'} address",
            "Set PIP_INDEX_URL to an index that is reached by http or https.",
        )
    request = Request(address, headers={"Accept": f"{_JSON}, text/html;q=0.5"})
    try:
        with urlopen(request, timeout=120, context=trust) as answer:
            data = answer.read(limit + 1)
            kind = answer.headers.get_content_type()
    except OSError as error:
        name = PurePosixPath(urlsplit(address).path).name
        raise EnvironmentBroken(
            f"The package index did not give {name}: {error}",
            "Fetch it again when the index can be reached, or set PIP_INDEX_URL.",
        ) from error
    if len(data) > limit:
        raise EnvironmentBroken(
            f"The package index sent more than {limit} bytes", "Look at what PIP_INDEX_URL names."
        )
    return data, kind


def _find(page: bytes, kind: str, base: str, sdist: Sdist) -> tuple[str, str]:
    """The file's absolute address and the hash that the index states, or an empty text."""
    if kind == _JSON:
        links = {
            str(file["filename"]): (str(file["url"]), str(file.get("hashes", {}).get("sha256", "")))
            for file in json.loads(page)["files"]
        }
    else:
        reader = _Links()
        reader.feed(page.decode("utf-8", "replace"))
        links = reader.found
    if sdist.file not in links:
        raise EnvironmentBroken(
            f"The package index has no {sdist.file}", "Set PIP_INDEX_URL to one that has it."
        )
    address, stated = links[sdist.file]
    return urljoin(base, address), stated


class _Links(HTMLParser):
    """The files that a page of a simple index lists: name → (address, hash)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href:
            address, fragment = urldefrag(href)
            name = PurePosixPath(unquote(urlsplit(address).path)).name
            self.found[name] = (address, fragment[7:] if fragment.startswith("sha256=") else "")


def _commit(folder: Path) -> None:
    person = {"NAME": "labcrew benchmark", "EMAIL": "benchmark@localhost", "DATE": _WHEN}
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{key}": value
            for who in ("AUTHOR", "COMMITTER")
            for key, value in person.items()
        },
    }
    for arguments in (
        ["init", "--quiet", "--template=", "--initial-branch=main"],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "--message=As it was found"],
    ):
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise EnvironmentBroken(
                f"git {arguments[0]} failed in {folder}: {done.stderr.strip()}", "See its message."
            )
