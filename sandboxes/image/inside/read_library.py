"""Reads a folder of papers: .pdf, .bib and .md files, inside the sandbox.

Usage: read_library.py FOLDER [--seconds-per-file N]

Prints one JSON object: {"documents": [...], "problems": [...]}, or with "error" where the folder
can't be read at all. A document is one passage with its place: a page of a PDF, a paragraph of a
Markdown file, the abstract or note of a BibTeX entry. A file that is broken, too large, encrypted
or too slow is a problem of its own and stops nothing else.
"""

import argparse
import json
import logging
import os
import re
import resource
import signal
import stat
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from library.formats import (  # type: ignore[import-not-found]
    Facts,
    Passages,
    Skipped,
    TooSlow,
    plain,
    read_bibtex,
    read_markdown,
    read_pdf,
)

MOST_FILES = 1000
MOST_PROBLEMS = 500
MOST_OUTPUT = 8 << 20
MOST_MEMORY = 900 << 20
READERS: dict[str, Callable[[Path, str, list[str]], list[tuple[Facts, Passages]]]] = {
    ".pdf": read_pdf,
    ".bib": read_bibtex,
    ".md": read_markdown,
    ".markdown": read_markdown,
}


def listed(folder: Path, problems: list[str]) -> list[Path]:
    """The folder's regular files of a known kind, sorted by path; links are not followed."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.lower() not in READERS or name.startswith("."):
                continue
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode):
                problems.append(f"{shown(path, folder)}: not a regular file, left out")
            elif len(found) == MOST_FILES:
                problems.append(f"more than {MOST_FILES} files: the rest was left out")
                return found
            else:
                found.append(path)
    return found


def shown(path: Path, folder: Path) -> str:
    """A path as people see it: inside the repository."""
    base = Path.cwd() if path.is_relative_to(Path.cwd()) else folder.parent
    return str(plain(path.relative_to(base), 500))


def with_entry(facts: Facts, path: Path, entries: dict[str, Facts]) -> Facts:
    """A document's facts, made whole by the BibTeX entry whose key its file name holds as a word:
    a file `roberta.pdf` is not the paper of the key `bert`.
    """
    stem = path.stem.casefold()
    fitting = [
        key
        for key in entries
        if key and re.search(rf"(?<![^\W_]){re.escape(key.casefold())}(?![^\W_])", stem)
    ]
    if facts["key"] in entries:
        fitting = [facts["key"]]
    known = entries[max(fitting, key=lambda key: (len(key), key))] if fitting else facts
    key = known["key"] or facts["key"] or plain(path.stem, 300) or "document"
    return {
        "key": key,
        "title": known["title"] or facts["title"] or key,
        "authors": known["authors"] or facts["authors"],
        "year": known["year"] or facts["year"],
        "venue": known["venue"] or facts["venue"],
    }


def guarded(
    path: Path, where: str, problems: list[str], seconds: float
) -> list[tuple[Facts, Passages]]:
    """One file read within its time; nothing where it can't be."""

    def too_slow(_signal: int, _frame: object) -> None:
        raise TooSlow

    signal.signal(signal.SIGALRM, too_slow)
    # Again and again, for what is raised in a callback of an import or a parser may be swallowed.
    signal.setitimer(signal.ITIMER_REAL, seconds, min(seconds, 5))
    try:
        try:
            return READERS[path.suffix.lower()](path, where, problems)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except Skipped as reason:
        problems.append(f"{where}: {reason}, left out")
    except TooSlow:
        problems.append(f"{where}: took more than {seconds:g} s, left out")
    except MemoryError:
        problems.append(f"{where}: takes too much memory, left out")
    except Exception as error:  # parsers of untrusted files raise anything
        problems.append(f"{where}: can't be read ({type(error).__name__}), left out")
    return []


def read_library(folder: Path, seconds: float) -> dict[str, Any]:
    """All passages of a folder and all problems, as one JSON-ready dict."""
    if not folder.is_dir() or folder.is_symlink():
        return {"documents": [], "problems": [], "error": f"there is no folder {folder.name}"}
    problems: list[str] = []
    files = listed(folder, problems)
    entries: dict[str, Facts] = {}
    documents: list[dict[str, Any]] = []
    # Entries first: the other documents take their facts from them.
    for path in sorted(files, key=lambda path: path.suffix.lower() != ".bib"):
        for facts, passages in guarded(path, shown(path, folder), problems, seconds):
            if path.suffix.lower() == ".bib":
                entries.setdefault(facts["key"], facts)
                whole = facts
            else:
                whole = with_entry(facts, path, entries)
            documents += [
                {**whole, "locator": locator, "text": text} for locator, text in passages if text
            ]
    return capped(documents, problems)


def capped(documents: list[dict[str, Any]], problems: list[str]) -> dict[str, Any]:
    """As many documents as fit the output, and the problems."""
    problems = [plain(problem, 1000) for problem in problems]
    if len(problems) > MOST_PROBLEMS:
        problems = [*problems[:MOST_PROBLEMS], f"and {len(problems) - MOST_PROBLEMS} more problems"]
    room = MOST_OUTPUT - len(json.dumps(problems)) - 1000
    kept: list[dict[str, Any]] = []
    for document in documents:
        room -= len(json.dumps(document)) + 2
        if room < 0:
            problems.append(
                f"{len(documents) - len(kept)} of {len(documents)} passages left out:"
                f" more than {MOST_OUTPUT >> 20} MiB of text"
            )
            break
        kept.append(document)
    return {"documents": kept, "problems": problems}


def main() -> None:
    """Reads the arguments, prints the answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds-per-file", type=float, default=20.0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # A bomb of a document then costs a MemoryError of its own, not the container.
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    result = read_library(Path.cwd() / arguments.folder, arguments.seconds_per_file)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
