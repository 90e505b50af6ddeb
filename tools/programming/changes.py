"""The change that is being written: path → the file's whole text, held by the ledger alone.

Each edit is one event with the file's new text. A container that is lost, or a process that is
killed, loses none of it; what a command does to files in a container is no part of it.
"""

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from labcrew.domain.base import content_hash
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, NotFound, ToolError
from labcrew.ledger import Ledger
from tools.toolbox import Workbench

KIND = "code.edited"
FILE_CHARACTERS = 400_000
_FILES = 200


@dataclass
class _Known:
    """How far a ticket's edits were read: an event never changes, so none is read twice."""

    edits: int = 0
    files: dict[str, str] = field(default_factory=dict)
    last_call: str = ""
    last_told: str = ""


_KNOWN: WeakKeyDictionary[Ledger, dict[str, _Known]] = WeakKeyDictionary()


def changed_files(ledger: Ledger, assigned: AssignedTicket) -> dict[str, str]:
    """The change as it stands: path → text. A later revision takes up where the last one ended."""
    return dict(_known(ledger, assigned).files)


def overlay(files: dict[str, str]) -> tuple[OverlayFile, ...]:
    """Texts as files that are laid over a workspace, sorted by path."""
    return tuple(
        OverlayFile(path=path, content=text.encode()) for path, text in sorted(files.items())
    )


def base_text(bench: Workbench, assigned: AssignedTicket, path: str) -> str | None:
    """A file of the base commit as text; None where there is none.

    Raises ToolError for a link, for what is not UTF-8, and for a file that is too large.
    """
    try:
        content = bench.repositories.read(assigned.id, assigned.base_commit, path, cap_mb=2)
    except NotFound:
        return None
    except BoundaryError as error:
        raise ToolError(f"{path} can't be read: {error.message}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not UTF-8 text ({len(content)} bytes).") from None


def text_now(bench: Workbench, assigned: AssignedTicket, path: str) -> str | None:
    """A file as the change has it, else as the base commit has it; None where neither does."""
    files = _known(bench.ledger, assigned).files
    return files[path] if path in files else base_text(bench, assigned, path)


def told_before(ledger: Ledger, assigned: AssignedTicket, call: str) -> str | None:
    """What was answered to this very call, if it made the newest edit: a step that was cut off is
    run again, and must come to the same. None where another edit, or none, is the newest.

    Args:
        call: the hash of the tool's name and arguments.
    """
    known = _known(ledger, assigned)
    return known.last_told if call and known.last_call == call else None


def record_edit(
    bench: Workbench,
    assigned: AssignedTicket,
    texts: dict[str, str | None],
    *,
    call: str = "",
    told: str = "",
) -> None:
    """Writes down new texts of files, all of them or none; None takes a file back to its base.

    Args:
        call: the hash of the tool's name and arguments.
        told: what is answered to it.

    Raises ToolError for a text or a change that is too large.
    """
    known = _known(bench.ledger, assigned)
    for path, text in texts.items():
        if text is not None and len(text) > FILE_CHARACTERS:
            raise ToolError(f"{path} would hold more than {FILE_CHARACTERS} characters.")
    if len({*known.files, *texts}) > _FILES:
        raise ToolError(f"The change would touch more than {_FILES} files.")
    bench.ledger.events.append(
        ticket=assigned.id,
        actor="merge_request",
        kind=KIND,
        key=_key(assigned, known.edits),
        data={"texts": texts, "call": call, "told": told, "revision": assigned.revision},
    )


def call_hash(tool: str, arguments: dict[str, object]) -> str:
    """What tells one call of an editing tool from another."""
    return content_hash({"tool": tool, "arguments": arguments})


def _known(ledger: Ledger, assigned: AssignedTicket) -> _Known:
    known = _KNOWN.setdefault(ledger, {}).setdefault(assigned.id, _Known())
    while (event := ledger.events.find(_key(assigned, known.edits))) is not None:
        for path, text in event.data["texts"].items():
            if text is None:
                known.files.pop(path, None)
            else:
                known.files[path] = text
        known.edits += 1
        known.last_call = str(event.data["call"])
        known.last_told = str(event.data["told"])
    return known


def _key(assigned: AssignedTicket, number: int) -> str:
    return f"{assigned.id}/code/{number}"
