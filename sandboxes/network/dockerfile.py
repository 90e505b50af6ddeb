"""A user's Dockerfile, its pip led to the proxy's index without a trace in the image."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable

from labcrew.errors import EnvironmentBroken
from sandboxes.text import clean

_FROM = re.compile(r"\s*FROM\s", re.IGNORECASE)


_ADD = re.compile(r"\s*(?:ONBUILD\s+)*ADD\s+(.*)", re.IGNORECASE | re.DOTALL)
_MOST_LINES = 200  # of an instruction that are looked at
# What an address needs, plain, in a variable, or spelt in JSON; no ordinary path does.
_ADDRESS = re.compile(r"[:$\\`]")


def refuse_fetching(path: str, text: str) -> None:
    """Refuses an ADD that may name an address.

    The engine fetches those itself, from its host's network, and not through the proxy.

    Args:
        path: of a Dockerfile.
        text: of it.

    Raises EnvironmentBroken.
    """
    lines = text.split("\n")
    for at in range(len(lines)):
        joined, cut = _from(lines, at)
        added = _ADD.fullmatch(joined)
        fetched = added is not None and (cut or _ADDRESS.search(added[1]))
        if fetched or (cut and len(joined) < len("ONBUILD ADD x")):  # what follows may be anything
            raise EnvironmentBroken(
                clean(f"{path}: the engine itself would fetch what `{joined[:200]}` names"),
                "COPY files of the repository, or fetch in a RUN step, through the package index.",
            )


def _from(lines: list[str], at: int) -> tuple[str, bool]:
    """What an instruction would be that began in a line, and whether it was cut.

    Either character that can continue a line does here, wherever it stands: which one counts, and
    when, is for the engine to say, and no reading of its own may hide an instruction from this one.
    What looks like a comment between continued lines ends nothing, and stands at the end, for an
    engine may see a part of the instruction there.
    """
    joined, aside = "", ""
    for line in lines[at : at + _MOST_LINES]:
        bare = line.strip()
        if joined and (not bare or bare.startswith("#")):
            aside += f"\n{bare}"
            continue
        if not bare.endswith(("\\", "`")):
            return (joined + line + aside).strip(), False
        joined += line.rstrip()[:-1]
    cut = len(lines) > at + _MOST_LINES
    return (joined if cut else joined + aside).strip(), cut


def with_arguments(text: str, names: Iterable[str]) -> str:
    """The text with `ARG name` lines at the head of each stage: arguments reach its RUN steps.

    Args:
        text: a Dockerfile.
        names: of the build's arguments.
    """
    lines: list[str] = []
    arguments = [f"ARG {name}" for name in names]
    continued, stage = False, False
    # As the engine does: what else ends a line for Python may stand in one of its comments.
    for line in text.removesuffix("\n").split("\n"):
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
