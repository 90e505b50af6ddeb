"""Python source read within bounds: no text that a program or a model wrote can crash a parser.

Parsers go down a level for every bracket and operator, and beyond some thousand levels end the
process. So a text's depth is counted from its tokens first, which takes no depth at all.
"""

import ast
import io
import re
import tokenize
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from labcrew.domain.base import content_hash

if TYPE_CHECKING:
    import libcst

MOST_BYTES = 200_000
"""Of one file that is read."""
DEEPEST = 40
"""Brackets in brackets, or blocks in blocks."""
LONGEST_CHAIN = 200
"""Operators, calls and dots that one expression is built of, between two commas."""
MOST_ELIF = 100
NO_TREE = (RecursionError, ValueError, TypeError, SyntaxError)
"""What libcst raises of a tree that it will not build: `return` without a blank after it, say."""
_FIELD = 300  # characters between the braces of a formatted string
_WORDS = frozenset(["not", "and", "or", "if", "else", "lambda", "await", "in", "is", "for"])
_FORMATTED = re.compile(r"[rRbBuU]*[fF][rRbBuU]*['\"]")


@lru_cache(maxsize=256)
def trouble(text: str) -> str:
    """Why a text is not read as Python; empty where it may be. It may still be no valid Python."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        return f"it is longer than {MOST_BYTES:,} bytes"
    chain, blocks, elifs = [0], 0, 0
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            word = token.string
            if token.type == tokenize.OP:
                if word in "([{":
                    chain[-1] += before not in ("", "(", "[", "{", ",")
                    chain.append(0)
                elif word in ")]}":
                    if len(chain) > 1:
                        chain.pop()
                elif word in (",", ";"):
                    chain[-1] = 0
                else:
                    chain[-1] += 1
            elif token.type == tokenize.NAME:
                chain[-1] += word in _WORDS
                elifs += word == "elif"
            elif token.type == tokenize.INDENT:
                blocks += 1
            elif token.type == tokenize.DEDENT:
                blocks -= 1
            elif token.type == tokenize.NEWLINE:
                chain = [0]
            elif token.type == tokenize.STRING and _FORMATTED.match(word) and _wide(word):
                return f"line {token.start[0]}: a field of a formatted string is too long"
            if len(chain) > DEEPEST or blocks > DEEPEST:
                return f"line {token.start[0]}: it is nested more than {DEEPEST} deep"
            if sum(chain) > LONGEST_CHAIN:
                return f"line {token.start[0]}: an expression has more than {LONGEST_CHAIN} parts"
            if elifs > MOST_ELIF:
                return f"line {token.start[0]}: more than {MOST_ELIF} branches"
            if token.type not in (tokenize.NL, tokenize.COMMENT):
                before = word
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError) as error:
        return f"it is no Python: {str(error)[:120]}"
    return ""


def _wide(text: str) -> bool:
    """Whether the braces of a formatted string hold more than is looked into."""
    depth = length = 0
    for character in text.replace("{{", "").replace("}}", ""):
        if character == "{":
            depth += 1
        elif character == "}":
            depth, length = max(0, depth - 1), 0
        elif depth:
            length += 1
        if depth > 3 or length > _FIELD:
            return True
    return False


def compile_trouble(text: str) -> str:
    """Why a text does not compile; empty where it does. It is compiled only, never executed."""
    found = trouble(text)
    if found:
        return found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `x is 1` is the program's own affair
            compile(text, "<candidate>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it can't be compiled: {str(error)[:120] or type(error).__name__}"
    return ""


@lru_cache(maxsize=64)
def read(text: str) -> "libcst.Module | None":
    """The concrete syntax tree; None for what is no Python or beyond the bounds."""
    import libcst

    if trouble(text):
        return None
    try:
        return libcst.parse_module(text)
    except (libcst.ParserSyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def shape(text: str) -> str:
    """A hash that comments, blank space and documentation don't change; of other text, of its
    lines without the blank space at their ends.
    """
    if not trouble(text):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
            if "__doc__" not in text:
                _undocument(tree)
            return content_hash(ast.dump(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    return content_hash("\n".join(line.rstrip() for line in text.strip().splitlines()))


def _undocument(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]
