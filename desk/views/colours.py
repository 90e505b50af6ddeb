"""The syntax colours of a file's lines, and which words of a line differ from another's."""

import difflib
import re
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES, Token

Span = tuple[str, str]
"""A style class, empty for none, and the text that has it."""
CHANGED = "word"
"""The class of words that differ."""
_LEXERS = {
    ".c": "c", ".cc": "cpp", ".cfg": "ini", ".cpp": "cpp", ".cu": "cpp", ".go": "go", ".h": "cpp",
    ".ini": "ini", ".java": "java", ".js": "javascript", ".json": "json", ".md": "markdown",
    ".py": "python", ".pyi": "python", ".r": "r", ".rs": "rust", ".sh": "bash", ".sql": "sql",
    ".toml": "toml", ".ts": "typescript", ".yaml": "yaml", ".yml": "yaml",
}  # fmt: skip
_NAMES = {"Dockerfile": "docker", "Makefile": "make"}
_LONGEST_LINE = 1000  # lexers are slow on what people would not read either
_WORD = re.compile(r"\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?|\w+|\s+|[^\w\s]")
_MOST_WORDS = 200  # a whole file of such lines is compared within seconds


def coloured(text: str, path: str) -> dict[int, tuple[Span, ...]]:
    """The lines of a file by number, in colours; empty where there are none for such a file.

    Args:
        text: the whole file.
        path: its name says which language it is; its content is never asked.
    """
    lexer = _lexer(path)
    if lexer is None or not text or max(map(len, text.split("\n"))) > _LONGEST_LINE:
        return {}
    lines: dict[int, tuple[Span, ...]] = {}
    line: list[Span] = []
    number = 1
    for token, value in lexer.get_tokens(text.replace("\r\n", "\n").replace("\r", "\u240d")):
        style = _style(token)
        for index, piece in enumerate(value.split("\n")):
            if index:
                lines[number] = tuple(line)
                number, line = number + 1, []
            if piece:
                line.append((style, piece))
    lines[number] = tuple(line)
    return lines


def is_code(path: str) -> bool:
    """Whether a file of this name has colours."""
    return _lexer(path) is not None


def marked(
    old: tuple[Span, ...], new: tuple[Span, ...]
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Two lines with marks on what differs between them; none where they share little."""
    texts = ["".join(text for _, text in side) for side in (old, new)]
    words = [_WORD.findall(text) for text in texts]
    if max(map(len, words)) > _MOST_WORDS:
        return old, new
    matcher = difflib.SequenceMatcher(None, words[0], words[1], autojunk=False)
    shared = sum(
        len("".join(words[0][block.a : block.a + block.size]).strip())
        for block in matcher.get_matching_blocks()
    )
    if shared * 3 < max(len(text.strip()) for text in texts):
        return old, new
    marks: list[list[tuple[int, int]]] = [[], []]
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            for side, first, last in ((0, a, b), (1, c, d)):
                start = len("".join(words[side][:first]))
                marks[side].append((start, start + len("".join(words[side][first:last]))))
    return _cut(old, marks[0]), _cut(new, marks[1])


def _cut(spans: tuple[Span, ...], marks: list[tuple[int, int]]) -> tuple[Span, ...]:
    """The same text, in more pieces: those within a mark have the class too."""
    edges = sorted({edge for mark in marks for edge in mark})
    pieces: list[Span] = []
    at = 0
    for style, text in spans:
        end = at + len(text)
        bounds = [at, *(edge for edge in edges if at < edge < end), end]
        for first, last in pairwise(bounds):
            inside = any(begin <= first < stop for begin, stop in marks)
            name = f"{style} {CHANGED}".strip() if inside else style
            pieces.append((name, text[first - at : last - at]))
        at = end
    return tuple(pieces)


@cache
def _lexer_named(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)


def _lexer(path: str) -> Lexer | None:
    file = PurePosixPath(path)
    name = _NAMES.get(file.name) or _LEXERS.get(file.suffix.lower())
    return None if name is None else _lexer_named(name)


@cache
def _style(token: object) -> str:
    while token is not Token and token not in STANDARD_TYPES:
        token = token.parent  # type: ignore[attr-defined]
    return STANDARD_TYPES[token].removeprefix("w")  # type: ignore[index]
