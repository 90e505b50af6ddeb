"""What a change put in that says it is not done: marks, empty bodies, and traces of debugging."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tools.programming.alike import added_lines

_MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b")
_YOURS = re.compile(r"(?i)\byour code (goes )?here\b")
_STAND_IN = re.compile(
    r"(?i)[\s.…(]*((the )?rest of (the )?(code|file|function|class)|(the )?existing code|unchanged"
    r"|placeholder|(not (yet )?|to be )implemented|implement (me|this))"
    r"( (is|are|stays|remains|goes))?( (unchanged|the same|as before|here|yet|later|for now))?"
    r"[\s.…!)]*"
)
"""A comment that says this and no more stands for code; in a longer one the words may mean it."""
_WORDS = re.compile(
    r"(?i)\b(implement (me|this)|not (yet )?implemented|to be implemented|placeholder"
    r"|rest of (the )?(code|file|function|class)|existing code"
    r"|(other|remaining|rest|else)\b.*\bunchanged)\b"
)
_COMMENT = re.compile(r"(#|//|<!--|\"\"\"|''')")
_DEBUGGING = re.compile(
    r"^\s*(breakpoint\(\)|(import )?i?pdb\b|.*\bpdb\.set_trace\(\)"
    r"|print\(\s*f?[\"'](?i:debug|here|xxx|>>>|###)|console\.log\()"
)
_COMMENT_CHARACTERS = 300
"""Of a comment that are read: nobody hides a stand-in behind them, and none takes long."""
_COMMENT_END = re.compile(r"\s*(\"\"\"|'''|-->)\s*$")
_ELLIPSIS = re.compile(r"^\s*(#|//)\s*(\.\.\.|…)(?P<more>.*)")
_CONFLICT = re.compile(r"^(<{7} |={7}$|>{7} )")


@dataclass(frozen=True)
class Leftover:
    """A line of the change that is not done.

    Args:
        why: in a few words.
        certain: whether nobody writes it who is done; else it may be meant so.
    """

    path: str
    line: int
    text: str
    why: str
    certain: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.why}: {self.text}"


def left_over(
    before: Mapping[str, str], after: Mapping[str, str], asked: str = ""
) -> list[Leftover]:
    """What a change left undone, by path and line; what stood there before is not its doing.

    Args:
        before: path → text of the changed files; a new file is missing here.
        after: path → text as they are now.
        asked: the task; a function that it names has something to do.
    """
    found: list[Leftover] = []
    more = _marks(after.values()) - _marks(before.values())
    for path, text in sorted(after.items()):
        added = dict(added_lines(before.get(path, ""), text))
        if path not in before:
            added = dict(enumerate(text.split("\n"), 1))
        prose = _prose(text) if path.endswith(".py") else None
        reasons = {}
        for number, line in sorted(added.items()):
            if mark := _MARKS.search(line):
                if more[_from(mark)] <= 0:
                    continue  # it was moved, or the code before it changed
                more[_from(mark)] -= 1
            comment = _COMMENT.search(line)
            begins = comment.start() if comment is not None else None
            if why := _why(line, begins if prose is None else prose.get(number)):
                reasons[number] = why
        if path.endswith(".py"):
            hollow = _hollow(text, before.get(path, ""), asked, added)
            sure = {number: why for number, why in reasons.items() if why[1]}
            reasons |= hollow | sure
        lines = text.split("\n")
        found += [
            Leftover(path, number, lines[number - 1].strip()[:200], *reasons[number])
            for number in sorted(reasons)
        ]
    return found


def unwritten(text: str) -> int:
    """How many functions of a file end with saying that they are not implemented."""
    return sum(_only_raises(node) for _, node in _functions(_parsed(text)))


def _marks(texts: Iterable[str]) -> Counter[str]:
    return Counter(_from(mark) for text in texts for mark in _MARKS.finditer(text))


def _from(mark: re.Match[str]) -> str:
    """A mark with what its line says behind it."""
    end = mark.string.find("\n", mark.start())
    return " ".join(mark.string[mark.start() : end if end >= 0 else None].split())


def _prose(text: str) -> dict[int, int] | None:
    """Line → the column where its comment or docstring begins; None: it is not Python."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        tree = ast.parse(text)
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and _is_text(node):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found.setdefault(line, 0)
    return found


def _why(line: str, prose: int | None) -> tuple[str, bool] | None:
    """What a line says of being undone, and whether that is certain.

    Args:
        prose: the column where its comment or docstring begins; None: it is code.
    """
    if mark := _MARKS.search(line):
        return f"a {mark[1]}", prose is not None and prose <= mark.start()
    if _CONFLICT.match(line):
        return "a mark of a merge conflict", True
    if _DEBUGGING.match(line):
        return "left from debugging", True
    comment = _COMMENT.search(line)
    if comment is None:
        return None
    said = _COMMENT_END.sub("", line[comment.end() :][:_COMMENT_CHARACTERS])
    if _YOURS.search(said) or _STAND_IN.fullmatch(said):
        return "a stand-in for code", True
    words = _WORDS.search(said) is not None
    if begins := _ELLIPSIS.match(line):
        return "a stand-in for code", words or begins["more"].strip(" .…") == ""
    return ("a stand-in for code", False) if words else None


def _hollow(
    text: str, before: str, asked: str, added: Collection[int]
) -> dict[int, tuple[str, bool]]:
    """Lines of functions that do nothing, or say that they are not implemented.

    It is certain of a function that the task names, or that did something before.

    Args:
        added: lines that the change put in; one that did something needs none to be emptied.
    """
    tree = _parsed(text)
    did = {name for name, node in _functions(_parsed(before)) if not _is_stub(node)}
    words = _words(asked)
    found: dict[int, tuple[str, bool]] = {}
    emptied: set[int] = set()
    abstract = _meant_to_be_empty(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and _is_not_implemented(node):
            found[node.lineno] = ("not implemented", False)
    for name, node in _functions(tree):
        if node in abstract or not _is_stub(node):
            continue
        wanted = name in did or _words(node.name) in words
        body = _body(node) or node.body
        if _only_raises(node):
            line = body[-1].lineno
            bare = len(body) == 1 and not _arguments(body[0])
            found[line] = ("not implemented", wanted or bare)
        else:
            line = body[0].lineno
            found[line] = (f"{node.name} does nothing", wanted)
        if name in did:
            emptied.add(line)
    for declared in abstract:
        for inner in ast.walk(declared):
            if isinstance(inner, ast.Raise):
                found.pop(inner.lineno, None)
    emptied &= set(range(1, text.count("\n") + 2))  # Python ends lines elsewhere, too
    return {line: why for line, why in found.items() if line in added or line in emptied}


_Function = ast.FunctionDef | ast.AsyncFunctionDef


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Function]]:
    """The functions of a file, each with its name within it, as Loader.split."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for inner in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{inner.name}."
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name.rstrip("."), inner
            waiting.append((name, inner))


def _body(node: _Function) -> list[ast.stmt]:
    return [part for part in node.body if not _is_text(part)]


def _is_stub(node: _Function) -> bool:
    empty = all(isinstance(part, ast.Pass) or _is_ellipsis(part) for part in _body(node))
    return empty or _only_raises(node)


def _only_raises(node: _Function) -> bool:
    """Whether it ends so each time; one that returns elsewhere refuses what it has no answer to."""
    last = node.body[-1]
    return (
        isinstance(last, ast.Raise)
        and _is_not_implemented(last)
        and not any(isinstance(n, ast.Return | ast.Yield | ast.YieldFrom) for n in ast.walk(node))
    )


def _arguments(node: ast.stmt) -> bool:
    raised = node.exc if isinstance(node, ast.Raise) else None
    return isinstance(raised, ast.Call) and bool(raised.args or raised.keywords)


def _words(text: str) -> str:
    """A text's words between spaces, those of a name told apart: cosine_schedule has two."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).lower()
    return f" {' '.join(re.findall(r'[a-z0-9]+', apart))} "


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
