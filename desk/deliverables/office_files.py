"""What Word and slide files have in common: their times, and their bytes."""

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

from desk.deliverables.document import Document

_EPOCH = (1980, 1, 1, 0, 0, 0)  # of the ZIP format


def sign(properties: Any, document: Document) -> None:
    """Writes title, author and the document's own time."""
    at = datetime.fromisoformat(document.at).astimezone(UTC).replace(tzinfo=None)
    properties.title = document.title[:250]
    properties.author = properties.last_modified_by = "labcrew"
    properties.created = properties.modified = at
    properties.comments = document.warning[:250]
    properties.revision = 1


def packed(made: Any) -> bytes:
    """The file's bytes, the same for the same content: a ZIP else holds the time of day."""
    drafted, settled = io.BytesIO(), io.BytesIO()
    made.save(drafted)
    with zipfile.ZipFile(drafted) as old, zipfile.ZipFile(settled, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return settled.getvalue()
