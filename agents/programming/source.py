"""Python source as text with named parts: functions and methods, found, shown and exchanged."""

import ast
import textwrap
from dataclasses import dataclass

from labcrew.line_breaks import MARK


@dataclass(frozen=True)
class Part:
    """A function or method of a file.

    Args:
        path: the file.
        name: dotted within the file, e.g. Loader.split.
        first: its first line, decorators included, from 1.
        last: its last line.
        text: those lines.
        names: identifiers and attributes that stand in it.
    """

    path: str
    name: str
    first: int
    last: int
    text: str
    names: frozenset[str]


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


def parsed(text: str) -> ast.Module | None:
    """The syntax tree; None for what is no Python."""
    try:
        return ast.parse(text.removeprefix(MARK))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def parts(path: str, text: str) -> tuple[Part, ...]:
    """The functions of a file and the methods of its classes, in their order; inner ones belong
    to their outer ones.
    """
    tree = parsed(text)
    if tree is None:
        return ()
    lines = lines_of(text)
    found: list[Part] = []

    def walk(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, _FUNCTIONS):
                found.append(_part(path, lines, node, prefix))
            elif isinstance(node, ast.ClassDef):
                walk(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, (ast.If, ast.Try)):
                walk(node.body, prefix)

    walk(tree.body, "")
    return tuple(found)


def _part(
    path: str, lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef, prefix: str
) -> Part:
    first, last = _first_line(node), node.end_lineno or node.lineno
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    return Part(
        path=path,
        name=prefix + node.name,
        first=first,
        last=last,
        text="".join(lines[first - 1 : last]),
        names=frozenset(names),
    )


def defined(text: str) -> tuple[str, ...]:
    """The names of the functions and classes that stand at the top of a text."""
    tree = parsed(text)
    body = tree.body if tree is not None else []
    return tuple(n.name for n in body if isinstance(n, _DEFINITIONS))


def leaves(text: str) -> bool:
    """Whether the last function that stands at the top of a text ends with a return or a raise."""
    tree = parsed(text)
    found = [n for n in (tree.body if tree is not None else []) if isinstance(n, _FUNCTIONS)]
    return bool(found) and isinstance(found[-1].body[-1], ast.Return | ast.Raise)


def statements(text: str) -> tuple[str, ...]:
    """A text cut between its statements, and a compound one behind its head; a line that belongs to
    none is a piece by itself. Joined, the pieces are the text; what does not parse is one piece.
    """
    tree = parsed(text)
    if tree is None:
        return (text,) if text else ()
    inner: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            body = getattr(node, "body", None)
            behind = _first_line(body[0]) if body else (node.end_lineno or node.lineno) + 1
            inner.update(range(_first_line(node) + 1, behind))
    pieces: list[str] = []
    for number, line in enumerate(lines_of(text), 1):
        if number in inner and pieces:
            pieces[-1] += line
        else:
            pieces.append(line)
    return tuple(pieces)


def without_last(text: str) -> str:
    """What can be read of a text that breaks off, without the statement that it may break off in:
    the last one, or of a class its last method. Empty where nothing is left.
    """
    lines, broken = textwrap.dedent(text).split("\n"), ""
    while lines and parsed("\n".join(lines)) is None:
        broken = lines.pop()
    tree = parsed("\n".join(lines))
    if tree is None or not tree.body:
        return ""
    last = tree.body[-1]
    if isinstance(last, ast.ClassDef) and len(last.body) > 1:
        last = last.body[-1]
    if broken and len(broken) - len(broken.lstrip()) <= last.col_offset:
        return "\n".join(lines).rstrip()  # it broke off in the one after
    return "\n".join(lines[: _first_line(last) - 1]).rstrip()


def with_definitions(text: str, written: str, wanted: str = "", new: bool = False) -> str | None:
    """A file's text with functions and classes exchanged for those that were written anew.

    Imports that were written along and that the file lacks are put before its first statement.
    Of a class that was written in part, the written methods alone are exchanged.

    Args:
        text: the file.
        written: one or more definitions, at any indentation; other statements are passed over.
        wanted: the dotted name that was asked for; it settles which of two classes is meant.
        new: whether definitions that the file lacks are put at its end.

    Returns:
        None where no definition has a place or something does not parse.
    """
    written = textwrap.dedent(written)
    tree = parsed(written)
    if tree is None or parsed(text) is None:
        return None
    result, exchanged = text, False
    for node in tree.body:
        if not isinstance(node, _DEFINITIONS):
            continue
        after = _exchanged(result, written, node, wanted)
        if after is None and new and not node.name.startswith("test_"):
            after = f"{result.rstrip()}\n\n\n{_text_of(written, node)}\n".lstrip("\n")
        if after is not None:
            result, exchanged = after, True
    if not exchanged:
        return None
    result = _with_imports(result, tree)
    return result if parsed(result) is not None else None


def _exchanged(text: str, written: str, node: _Definition, wanted: str) -> str | None:
    """The text with one definition exchanged; None where it has no place."""
    tree = parsed(text)
    if tree is None:
        return None
    if isinstance(node, ast.ClassDef):
        old = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == node.name]
        if len(old) != 1:
            return None
        theirs = {n.name for n in old[0].body if isinstance(n, _FUNCTIONS)}
        ours = [n for n in node.body if isinstance(n, _FUNCTIONS)]
        if theirs <= {n.name for n in ours}:
            last = old[0].end_lineno or old[0].lineno
            return _spliced(text, _first_line(old[0]), last, _text_of(written, node))
        after: str | None = None
        for method in ours:
            after = (
                _exchanged(after or text, written, method, f"{node.name}.{method.name}") or after
            )
        return after
    known = [p for p in parts("", text) if p.name.rpartition(".")[2] == node.name]
    if len(known) > 1:
        known = [p for p in known if p.name == wanted] or _alike(known, node)
    if len(known) != 1:
        return None
    return _spliced(text, known[0].first, known[0].last, _text_of(written, node))


def _alike(known: list[Part], node: _Function) -> list[Part]:
    """Of parts of one name the methods, where a method was written; else the functions."""
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    is_method = first is not None and first.arg in ("self", "cls")
    return [part for part in known if ("." in part.name) == is_method]


def _first_line(node: ast.stmt | ast.ExceptHandler) -> int:
    decorators = node.decorator_list if isinstance(node, _DEFINITIONS) else []
    return min([node.lineno, *(d.lineno for d in decorators)])


def _text_of(text: str, node: _Definition) -> str:
    """A definition's lines, without indentation."""
    lines = lines_of(text)[_first_line(node) - 1 : node.end_lineno]
    return textwrap.dedent("".join(lines)).rstrip()


def _spliced(text: str, first: int, last: int, piece: str) -> str:
    """The text with lines exchanged, at the indentation that they had."""
    lines = lines_of(text)
    old = lines[first - 1]
    indent = old[: len(old) - len(old.lstrip(" \t"))]
    body = [indent + line if line.strip() else line for line in lines_of(f"{piece}\n")]
    return "".join([*lines[: first - 1], *body, *lines[last:]])


def _with_imports(text: str, new: ast.Module) -> str:
    tree = parsed(text)
    if tree is None:
        return text
    has = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))}
    lacks = [
        ast.unparse(n)
        for n in new.body
        if isinstance(n, (ast.Import, ast.ImportFrom)) and ast.unparse(n) not in has
    ]
    if not lacks:
        return text
    at = 0
    for node in tree.body:
        is_docstring = (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        )
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (is_docstring or is_future):
            break
        at = node.end_lineno or node.lineno
    lines = lines_of(text)
    return "".join([*lines[:at], *(f"{line}\n" for line in lacks), *lines[at:]])


def numbered(text: str, first: int = 1) -> str:
    """A text with its line numbers, as models and people read it."""
    lines = (line.rstrip("\r\n") for line in lines_of(text))
    return "\n".join(f"{n:4d} | {line}" for n, line in enumerate(lines, first))


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them, each with its end; `splitlines` would count a form feed."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
