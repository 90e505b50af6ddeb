"""What a change put in that says it is not done: marks, empty bodies, and traces of debugging."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.programming.alike import added_lines

_MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b")
_WORDS = re.compile(
    r"(?i)\b(your code (goes )?here|implement (me|this)( later)?|not (yet )?implemented|placeholder"
    r"|rest of (the )?(code|file|function)|existing code|unchanged|to be implemented)\b"
)
_COMMENT = re.compile(r"(#|//|<!--|\"\"\"|''')")
_DEBUGGING = re.compile(
    r"^\s*(breakpoint\(\)|(import )?i?pdb\b|.*\bpdb\.set_trace\(\)"
    r"|print\(\s*f?[\"'](?i:debug|here|xxx|>>>|###)|console\.log\()"
)
_ELLIPSIS = re.compile(r"^\s*(#|//)\s*\.\.\.")
_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )")


@dataclass(frozen=True)
class Leftover:
    """A line of the change that is not done.

    Args:
        why: in a few words.
    """

    path: str
    line: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.why}: {self.text}"


def left_over(before: Mapping[str, str], after: Mapping[str, str]) -> list[Leftover]:
    """What a change left undone, by path and line; what stood there before is not its doing.

    Args:
        before: path → text of the changed files; a new file is missing here.
        after: path → text as they are now.
    """
    found: list[Leftover] = []
    for path, text in sorted(after.items()):
        added = dict(added_lines(before.get(path, ""), text))
        if path not in before:
            added = dict(enumerate(text.split("\n"), 1))
        reasons = {number: why for number, line in added.items() if (why := _why(line))}
        if path.endswith(".py"):
            reasons |= {n: why for n, why in _hollow(text).items() if n in added}
        found += [
            Leftover(path, number, added[number].strip()[:200], reasons[number])
            for number in sorted(reasons)
        ]
    return found


def _why(line: str) -> str:
    if mark := _MARKS.search(line):
        return f"a {mark[1]}"
    if _CONFLICT.match(line):
        return "a mark of a merge conflict"
    comment = _COMMENT.search(line)
    if _ELLIPSIS.match(line) or (comment and _WORDS.search(line, comment.start())):
        return "a stand-in for code"
    return "left from debugging" if _DEBUGGING.match(line) else ""


def _hollow(text: str) -> dict[int, str]:
    """Lines of functions that do nothing, or say that they are not implemented."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[int, str] = {}
    abstract = _meant_to_be_empty(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and _is_not_implemented(node):
            found[node.lineno] = "not implemented"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node not in abstract:
            body = [part for part in node.body if not _is_text(part)]
            if all(isinstance(part, ast.Pass) or _is_ellipsis(part) for part in body):
                found[(body[0] if body else node).lineno] = f"{node.name} does nothing"
    for node in abstract:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Raise):
                found.pop(inner.lineno, None)
    return found


def _meant_to_be_empty(tree: ast.AST) -> set[ast.AST]:
    """Functions that are declarations: abstract ones, overloads, and those of protocols."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            _last_name(base) in ("Protocol", "ABC") for base in node.bases
        ):
            found |= {n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            _last_name(mark) in ("abstractmethod", "overload") for mark in node.decorator_list
        ):
            found.add(node)
    return found


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_not_implemented(node: ast.Raise) -> bool:
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return raised is not None and _last_name(raised) == "NotImplementedError"


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_ellipsis(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )
