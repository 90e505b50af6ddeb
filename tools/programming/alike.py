"""After a fix: other places where the pattern stands that it took out.

Lines are compared by their tokens. Names that a line only reads or binds count as any name; what is
called, an attribute, a keyword, a number or a text counts as itself. So `loss = out.mean(axis=0)`
is alike to `err = diff.mean(axis=0)`, and not to `err = diff.mean(axis=1)`.
"""

import io
import keyword
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

_LEAST_TOKENS = 5
_LEAST_TELLING = 2
_MOST_PLACES = 50
_LONG_LINES = 2000
_SKIPPED = frozenset(
    {
        tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
        tokenize.ENCODING, tokenize.ENDMARKER,
    }
)  # fmt: skip
_DEFINES = ("import ", "from ", "def ", "class ", "async def ", "@")
Shape = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A line that looks like one that was taken out.

    Args:
        like: the line that was taken out, as path:line text.
    """

    path: str
    line: int
    text: str
    like: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.text}"


def removed_lines(before: str, after: str) -> list[tuple[int, str]]:
    """The lines of a text that a change took out or changed, each with its number before; a line
    that stands elsewhere now was moved.
    """
    kept = {" ".join(line.split()) for line in after.split("\n")}
    return [
        (number, line)
        for number, line in added_lines(after, before)
        if " ".join(line.split()) not in kept
    ]


def added_lines(before: str, after: str) -> list[tuple[int, str]]:
    """The lines of a text that a change put in or changed, each with its number now.

    In long texts these are the lines that stood nowhere before: to compare them in order would
    take a text of one line repeated hours.
    """
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > _LONG_LINES:
        known = set(old)
        return [(n, line) for n, line in enumerate(new, 1) if line not in known]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (index + 1, new[index])
        for tag, _, _, b1, b2 in matcher.get_opcodes()
        if tag in ("replace", "insert")
        for index in range(b1, b2)
    ]


def alike(
    before: Mapping[str, str], after: Mapping[str, str], files: Iterable[tuple[str, str]]
) -> list[Place]:
    """Lines of files that look like one that a change took out, at most 50.

    Args:
        before: path → text of the changed files, as they were.
        after: the same, as they are now.
        files: path and text of all that is searched, as they are now.
    """
    shapes: dict[Shape, str] = {}
    for path, text in before.items():
        kept = {shape for _, line in _lines(after.get(path, "")) if (shape := shape_of(line))}
        for number, line in removed_lines(text, after.get(path, "")):
            shape = shape_of(line)
            # A shape that the mended file still has is no pattern of the fault.
            if shape and shape not in shapes and not _stays(shape, path, kept, number, after):
                shapes[shape] = f"{path}:{number} {line.strip()[:200]}"
    found: list[Place] = []
    if not shapes:
        return found
    for path, text in files:
        for number, line in _lines(text):
            like = shapes.get(shape_of(line) or ())
            if like is not None:
                found.append(Place(path, number, line.strip()[:200], like))
                if len(found) == _MOST_PLACES:
                    return found
    return found


def _stays(
    shape: Shape, path: str, kept: set[Shape], number: int, after: Mapping[str, str]
) -> bool:
    """Whether a line was only reworded: one of the same shape stands near its place now."""
    if shape not in kept:
        return False
    lines = after[path].split("\n")
    near = lines[max(0, number - 4) : number + 3]
    return any(shape_of(line) == shape for line in near)


def shape_of(line: str) -> Shape | None:
    """What makes a line like another; None for one that says too little to be told by it."""
    stripped = line.strip()
    if not stripped or len(line) > 1000 or stripped.startswith(_DEFINES):
        return None
    tokens = _tokens(stripped)
    if len(tokens) < _LEAST_TOKENS:
        return None
    shape: list[str] = []
    telling = 0
    for index, (kind, text) in enumerate(tokens):
        following = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        preceding = tokens[index - 1][1] if index else ""
        if kind == tokenize.NAME and not keyword.iskeyword(text):
            named = preceding == "." or following == "(" or (following == "=" and index)
            shape.append(text if named else "·")
            telling += bool(named)
        else:
            shape.append(text)
            telling += kind in (tokenize.NUMBER, tokenize.STRING) or text in ("-", "//", "%", "[")
    return tuple(shape) if telling >= _LEAST_TELLING else None


def _tokens(line: str) -> list[tuple[int, str]]:
    """A line's tokens as far as it can be read by itself."""
    found: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(line).readline):
            if token.type not in _SKIPPED:
                found.append((token.type, token.string))
    except (tokenize.TokenError, SyntaxError):
        pass  # it goes on in the next line, or is no Python: what was read so far is enough
    return found


def _lines(text: str) -> Iterable[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)
