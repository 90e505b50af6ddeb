"""What shell scripts and Makefile recipes do that a program's survey tells: downloads, secrets."""

from __future__ import annotations

import re

from .tree import place, plain

_DOWNLOAD = re.compile(
    r"(?:^|[\s;&|(])(?:wget|curl|git\s+clone|gsutil\s+cp|aws\s+s3|kaggle\s+(?:datasets|competitions)"
    r"|gdown|huggingface-cli\s+download|rsync\s+\S+:)\b.*"
)
_SECRET = re.compile(r"\$\{?(\w*(?:API_?KEY|TOKEN|SECRET|PASSWORD)\w*)\}?")
_ASKS = re.compile(r"(?:^|[;&]\s*)read\s+(?:-\w+\s+)*(?:\"[^\"]*\"\s*)?\w+\s*$")


def shell_traits(path: str, text: str) -> list[dict[str, object]]:
    """The traits of a shell text, a line at a time."""
    found: list[dict[str, object]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#") or len(found) >= 100 or len(line) > 2000:
            continue
        for kind, pattern in (("downloads", _DOWNLOAD), ("secret", _SECRET), ("asks", _ASKS)):
            match = pattern.search(line)
            if match:
                what = match[1] if kind == "secret" else match[0].strip()
                found.append(
                    {"kind": kind, "what": plain(what), "place": place(path, number, line)}
                )
    return found
