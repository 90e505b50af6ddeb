"""What hostile programs print, and how it is told that some of it came through."""

import re

# Each stands on a line of its own between two words that must both be seen.
PAYLOADS: dict[str, bytes] = {
    "colours": b"\x1b[31;1mred\x1b[0m",
    "a cleared screen": b"\x1b[2J\x1b[H",
    "moves of the cursor": b"\x1b[10A\x1b[2K\x1b[5;5Hforged",
    "a scrolled-away line": b"\x1b[3J\x1b[S\x1bM",
    "hidden text": b"\x1b[8msecret\x1b[28m",
    "the alternate screen": b"\x1b[?1049h",
    "a lost cursor": b"\x1b[?25l\x1b[?1000h",
    "a question to the terminal": b"\x1b[6n\x1b[c\x1b[>0q",
    "a title": b"\x1b]0;root@host\x07",
    "a title ended by ST": b"\x1b]2;root@host\x1b\\",
    "the clipboard": b"\x1b]52;c;cm0gLXJmIH4K\x07",
    "a link that says another": b"\x1b]8;;http://evil.invalid\x1b\\http://good.invalid\x1b]8;;\x1b\\",
    "a file sent to the terminal": b"\x1b]1337;File=name=eA==;inline=1:AAAA\x07",
    "a notice": b"\x1b]9;Approved\x07\x1b]777;notify;labcrew;approved\x07",
    "a device string": b"\x1bP+q544e\x1b\\",
    "a privacy message": b"\x1b^text\x1b\\\x1b_Gf=100;AAAA\x1b\\\x1bXsos\x1b\\",
    "a reset": b"\x1bc\x1b[!p",
    "line drawing": b"\x1b(0lqqk\x1b(B\x0e\x0f",
    "a string that never ends": b"\x1b]0;never",
    "a sequence that never ends": b"\x1b[31",
    "a lone escape": b"\x1b",
    "escapes in escapes": b"\x1b\x1b[\x1b[31m31m\x1b]\x1b]0;x\x07",
    "eight-bit CSI": b"\xc2\x9b31m",
    "eight-bit OSC": b"\xc2\x9d0;title\xc2\x9c",
    "eight-bit DCS": b"\xc2\x90q\xc2\x9c",
    "raw eight-bit CSI": b"\x9b31m\x9d0;t\x9c",
    "NUL": b"a\x00b",
    "an overwritten line": b"rejected\raccepted",
    "backspaces": b"rm -rf /\x08\x08\x08\x08\x08\x08\x08\x08ls",
    "bells, form feeds, tabs down": b"\x07\x0b\x0c\x1f\x7f",
    "invalid UTF-8": b"\xff\xfe\xc3\x28\xe2\x82",
    "overlong encodings": b"\xc0\x9b31m\xe0\x80\x9b31m\xf0\x80\x80\x9b\xc0\x80",
    "surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "beyond Unicode": b"\xf4\x90\x80\x80\xf8\x88\x80\x80\x80",
    "turned text": "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u061c".encode(),
    "old direction marks": "\u206a\u206b\u206c\u206d\u206e\u206f".encode(),
    "lines that are none": "one\u2028two\u2029three\u0085four".encode(),
    "invisible words": "".join(chr(0xE0000 + ord(c)) for c in "approve").encode(),
    "invisible spaces": "ap\u200bpro\u2060ve\ufeff\u00ad\u180e".encode(),
    "invisible selectors": "x\U000e0100\U000e01ef".encode(),
    "notes between lines": "a\ufff9b\ufffac\ufffb".encode(),
}

# Allowed of the C0 controls: newline, tab, and the return of progress bars.
_HARM = {
    "an escape or another control character": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    "a mark that turns text around": r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u206a-\u206f]",
    "a line break that looks like none": r"[\u2028\u2029]",
    "invisible text": r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]",
    "half a character": r"[\ud800-\udfff]",
}


def printing(payload: bytes) -> bytes:
    """The payload between two words, so that it is seen when it swallows what follows."""
    return b"before " + payload + b"\nafter\n"


def harm(text: str, *, shown: bool = False) -> str:
    """What in a text could fool a terminal, a reader or a model; nothing if it is harmless.

    Args:
        shown: it goes to a terminal, where a carriage return overwrites the line.
    """
    for what, pattern in _HARM.items():
        if re.search(pattern, text):
            return what
    if shown and "\r" in text:
        return "a carriage return, which overwrites the line"
    if "before" not in text or "after" not in text:
        return "a swallowed line"
    return ""
