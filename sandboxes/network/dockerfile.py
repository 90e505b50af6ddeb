"""A user's Dockerfile, its pip led to the proxy's index without a trace in the image."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable

_FROM = re.compile(r"\s*FROM\s", re.IGNORECASE)


def with_arguments(text: str, names: Iterable[str]) -> str:
    """The text with `ARG name` lines at the head of each stage: arguments reach its RUN steps.

    Args:
        text: a Dockerfile.
        names: of the build's arguments.
    """
    lines: list[str] = []
    arguments = [f"ARG {name}" for name in names]
    continued, stage = False, False
    for line in text.splitlines():
        comment = line.lstrip().startswith("#")
        stage = stage or (not continued and not comment and _FROM.match(line) is not None)
        lines.append(line)
        if not comment:  # a comment between continued lines does not end them
            continued = line.rstrip().endswith(("\\", "`"))
        if stage and not continued and not comment:
            lines += arguments
            stage = False
    return "\n".join(lines) + "\n"


def replaced(archive: bytes, path: str, content: bytes) -> bytes:
    """A tar with one file's content replaced: of two members of a name, the later one counts."""
    data = io.BytesIO(archive)
    with tarfile.open(fileobj=data, mode="a") as out:
        member = tarfile.TarInfo(path)
        member.size, member.mode = len(content), 0o644
        out.addfile(member, io.BytesIO(content))
    return data.getvalue()
