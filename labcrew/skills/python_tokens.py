"""Imports and calls in Python text, from its tokens alone: untrusted text is never parsed deeper.

The compiler's own parser can be crashed by deep nesting; the tokenizer keeps one small state.
"""

import io
import keyword
import tokenize
from dataclasses import dataclass
from token import COMMENT, DEDENT, ENCODING, INDENT, NAME, NEWLINE, NL, OP, STRING

_ASIDE = {COMMENT, NL, INDENT, DEDENT, ENCODING}
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Import:
    """A module that a line imports, with its dots where it is relative."""

    line: int
    module: str


@dataclass(frozen=True)
class Called:
    """A call, the names of its arguments, and whether `*` or `**` may hold more."""

    line: int
    name: str
    arguments: frozenset[str]
    more: bool


def tokens(text: str) -> list[tokenize.TokenInfo]:
    """The telling tokens of a Python text. Raises ValueError where it is none."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError("too long")
    try:
        found = list(tokenize.generate_tokens(io.StringIO(unix(text)).readline))
    except (tokenize.TokenError, SyntaxError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return [token for token in found if token.type not in _ASIDE]


def unix(text: str) -> str:
    """The text with newlines alone at the ends of lines, as Python reads its sources."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def imports(found: list[tokenize.TokenInfo]) -> list[Import]:
    """What a text imports by `import` and `from`, wherever in it."""
    modules: list[Import] = []
    for statement in _statements(found):
        first = statement[0]
        if first.string == "import" and first.type == NAME:
            for part in _split(statement[1:]):
                dotted = _dotted(part)
                if dotted:
                    modules.append(Import(part[0].start[0], dotted))
        elif first.string == "from" and first.type == NAME:
            at = next((i for i, t in enumerate(statement) if t.string == "import"), None)
            if at is None:
                continue
            module = "".join(token.string for token in statement[1:at])
            modules.append(Import(first.start[0], module))
            inner = [t for t in statement[at + 1 :] if t.string not in "()"]
            modules += [
                Import(part[0].start[0], f"{module}.{part[0].string}")
                for part in _split(inner)
                if part[0].type == NAME
            ]
    return modules


def calls(found: list[tokenize.TokenInfo]) -> list[Called]:
    """The calls of plain and dotted names, with the arguments that they name."""
    made: list[Called] = []
    opened: list[tuple[str, int, set[str], bool] | None] = []
    more: list[bool] = []
    for index, token in enumerate(found):
        if token.type != OP:
            continue
        before = found[index - 1] if index else None
        if token.string in "([{":
            name = _name_before(found, index) if token.string == "(" else ""
            opened.append((name, token.start[0], set(), False) if name else None)
            more.append(False)
        elif token.string in ")]}" and opened:
            call, stars = opened.pop(), more.pop()
            if call is not None:
                made.append(Called(call[1], call[0], frozenset(call[2]), stars))
        elif opened and opened[-1] is not None and before is not None:
            if token.string == "=" and before.type == NAME:
                opened[-1][2].add(before.string)
            elif token.string in ("*", "**") and before.string in ("(", ","):
                more[-1] = True
    return made


def _statements(found: list[tokenize.TokenInfo]) -> list[list[tokenize.TokenInfo]]:
    """Runs of tokens up to a line's end, `;` or a block's `:`."""
    statements: list[list[tokenize.TokenInfo]] = [[]]
    depth = 0
    for token in found:
        if token.type == OP and token.string in "([{":
            depth += 1
        elif token.type == OP and token.string in ")]}":
            depth -= 1
        if token.type == NEWLINE or (depth <= 0 and token.type == OP and token.string in ";:"):
            statements.append([])
            depth = 0
        else:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def _split(part: list[tokenize.TokenInfo]) -> list[list[tokenize.TokenInfo]]:
    pieces: list[list[tokenize.TokenInfo]] = [[]]
    for token in part:
        if token.string == "," and token.type == OP:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return [piece for piece in pieces if piece]


def _dotted(part: list[tokenize.TokenInfo]) -> str:
    words = []
    for token in part:
        if token.string == "as" or token.type == STRING:
            break
        words.append(token.string)
    return "".join(words)


def _name_before(found: list[tokenize.TokenInfo], index: int) -> str:
    """The dotted name that a bracket follows; empty for a definition and for what is no name."""
    at = index - 1
    if at < 0 or found[at].type != NAME or keyword.iskeyword(found[at].string):
        return ""
    parts = [found[at].string]
    while at >= 2 and found[at - 1].string == "." and found[at - 2].type == NAME:
        at -= 2
        parts.append(found[at].string)
    if at >= 1 and found[at - 1].string in ("def", "class"):
        return ""
    return ".".join(reversed(parts))
