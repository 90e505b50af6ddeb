"""What a commit that came out of a sandbox may say about itself.

People read it with `git log` in a terminal, and other programs parse it: headers that labcrew does
not know, escape sequences, impossible times and encodings stay outside.
"""

from __future__ import annotations

import re

from labcrew.errors import BoundaryError
from labcrew.plain_text import is_plain

MAX_COMMIT_BYTES = 64 << 10
_LAST_SECOND = 4_102_444_800  # the year 2100
_HEADER = re.compile(rb"(tree|parent) (?:[0-9a-f]{40}|[0-9a-f]{64})|(author|committer) (.+)")
_PERSON = re.compile(r"[^<>\n]{0,200} <[^<>\s]{0,200}> ([0-9]{1,10}) [+-][0-9]{4}")


def check_commit(commit: str, raw: bytes) -> None:
    """Raises BoundaryError for a commit object that may not cross.

    Args:
        commit: its id, for the message.
        raw: the object's content.
    """
    if len(raw) > MAX_COMMIT_BYTES:
        raise _refused(commit, f"is {len(raw)} bytes long; {MAX_COMMIT_BYTES} may cross")
    head, _, message = raw.partition(b"\n\n")
    kinds = []
    for line in head.split(b"\n"):
        match = _HEADER.fullmatch(line)
        if match is None:
            word = line.split(b" ")[0][:40].decode("ascii", "replace")
            raise _refused(commit, f"carries a header {word!r} that may not cross")
        kinds.append((match[1] or match[2]).decode())
        if match[3] is not None:
            _check_person(commit, match[3])
    parents = kinds.count("parent")
    if kinds != ["tree", *["parent"] * parents, "author", "committer"]:
        raise _refused(commit, "has its headers in an odd order")
    if (odd := odd_characters(message, allowed="\n\t")) is not None:
        raise _refused(commit, f"has a message with {odd}")


def odd_characters(text: bytes, allowed: str = "") -> str | None:
    """What makes a text unfit to be shown, in words; None where nothing does."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes that are not UTF-8"
    return None if is_plain(decoded, allowed) else "control or invisible characters"


def _check_person(commit: str, person: bytes) -> None:
    if (odd := odd_characters(person)) is not None:
        raise _refused(commit, f"names its author with {odd}")
    match = _PERSON.fullmatch(person.decode("utf-8"))
    if match is None:
        raise _refused(commit, "names its author in a way git doesn't write")
    if int(match[1]) >= _LAST_SECOND:
        raise _refused(commit, "is dated after the year 2100")


def _refused(commit: str, why: str) -> BoundaryError:
    return BoundaryError(f"Commit {commit[:12]} {why}")
