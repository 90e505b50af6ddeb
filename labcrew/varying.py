"""What differs between two outputs that say the same: durations, addresses, temporary paths."""

import re

_VARYING = re.compile(
    r"0x[0-9a-f]+"
    r"|(?:/var)?/tmp/\S+"
    r"|\b\d+\.\d+ ?(?:[mnuµ]?s|secs?|seconds?)\b(?: \(\d+:\d\d:\d\d\))?"
    r"|(?:(?<=\bin )|(?<=\bafter )|(?<=\btook ))\d+ ?(?:[mnuµ]?s|secs?|seconds?)\b"
    r"|\b\d+m ?\d+\.\d+s\b"
    # Only where a line of a log begins: elsewhere a date may be what a program is about.
    r"|^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?",
    re.M,
)


def steady(text: str) -> str:
    """The text with what varies from run to run masked; the same for two that say the same."""
    return _VARYING.sub("…", text)
