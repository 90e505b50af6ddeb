"""What pip itself said, out of a log that the builds of packages fill."""

import re

LOG_CHARACTERS = 8000
_OUTPUT = re.compile(r"\[\d+ lines of output\]$")
_END = "[end of output]"
_KEPT = 10


def pips_words(log: str) -> str:
    """The last 8,000 characters, where of each build's own output the last lines alone count.

    Args:
        log: cleaned.
    """
    kept: list[str] = []
    block: list[str] | None = None
    for line in log.splitlines():
        if block is not None and line.strip() == _END:
            kept += [*block[-_KEPT:], line]
            block = None
        elif block is not None:
            block.append(line)
        else:
            kept.append(line)
            block = [] if _OUTPUT.search(line) else None
    kept += (block or [])[-_KEPT:]
    return "\n".join(kept)[-LOG_CHARACTERS:]
