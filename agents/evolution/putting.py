"""Puts a component's code or text into a syntax tree."""

import re
from collections.abc import Callable

import libcst as cst

from agents.evolution.components import Component
from agents.evolution.constants import spelt, value_of
from agents.evolution.syntax import read

_BEFORE = "before"
_MARK = "# component: "
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
_Definition = cst.FunctionDef | cst.ClassDef


def defined(tree: cst.Module) -> set[str]:
    """The names that a module's top level binds."""
    return {name for statement in tree.body for name in bound(statement)}


def bound(statement: cst.CSTNode) -> list[str]:
    """The names that one statement of a top level binds by itself."""
    if isinstance(statement, _Definition):
        return [statement.name.value]
    if not isinstance(statement, cst.SimpleStatementLine):
        return []
    names: list[str] = []
    for part in statement.body:
        if isinstance(part, cst.Assign):
            targets = [target.target for target in part.targets]
            names += [target.value for target in targets if isinstance(target, cst.Name)]
        elif isinstance(part, cst.AnnAssign) and isinstance(part.target, cst.Name):
            names.append(part.target.value)
        elif isinstance(part, cst.Import | cst.ImportFrom) and not isinstance(
            part.names, cst.ImportStar
        ):
            for alias in part.names:
                name = alias.evaluated_alias or alias.evaluated_name
                names.append(name.partition(".")[0])
    return names


def put(component: Component, tree: cst.Module) -> str | None:
    """The program with a component in it; None where it has no place there."""
    if component.put.endswith("function"):
        return _put_code(component, tree)
    change: Callable[[cst.BaseExpression], cst.BaseExpression | None]
    if component.put == "set key":
        change = lambda value: _with_key(value, component)  # noqa: E731
    elif component.put == "append to constant":
        change = lambda value: _with_text(value, component.body)  # noqa: E731
    else:
        change = _shortened
    return _with_constant(tree, component.target, change)


def taken_out(name: str, tree: cst.Module) -> str | None:
    """The program without a component that wraps a function; None where none of that name does.

    Constants that came with it stay: other code may have come to use them.
    """
    wrapper = next((s for s in functions_of(tree) if _mark_of(s) == name), None)
    if wrapper is None:
        return None
    # A wrapper that was wrapped in turn has a name like theirs.
    base = re.sub(rf"_{_BEFORE}(_\d+)?$", "", wrapper.name.value)
    old = re.compile(rf"{re.escape(base)}_{_BEFORE}(_\d+)?")
    called = {n.value for n in _names(wrapper) if old.fullmatch(n.value)} - {wrapper.name.value}
    wrapped = [s for s in functions_of(tree) if s.name.value in called]
    if len(wrapped) != 1:
        return None
    # The one that was wrapped may be a wrapper itself: its own mark stays with it.
    back = wrapped[0].with_changes(name=wrapper.name)
    body = [back if s is wrapped[0] else s for s in tree.body if s is not wrapper]
    return tree.with_changes(body=body).code


def components_in(tree: cst.Module) -> tuple[str, ...]:
    """The names of the components that were put round functions of a program."""
    return tuple(name for name in map(_mark_of, functions_of(tree)) if name)


def functions_of(tree: cst.Module) -> list[cst.FunctionDef]:
    """The functions of the top level."""
    return [s for s in tree.body if isinstance(s, cst.FunctionDef)]


def _mark_of(function: cst.FunctionDef) -> str:
    comments = [line.comment.value for line in function.leading_lines if line.comment is not None]
    marks = [text[len(_MARK) :] for text in comments if text.startswith(_MARK)]
    return marks[-1] if marks else ""


def _names(node: cst.CSTNode) -> list[cst.Name]:
    found = [node] if isinstance(node, cst.Name) else []
    return found + [name for child in node.children for name in _names(child)]


def _put_code(component: Component, tree: cst.Module) -> str | None:
    code, old = read(component.body + "\n"), _function(tree, component.target)
    if code is None or old is None:
        return None
    if component.put == "insert into function":
        return _inserted(tree, old, list(code.body), component)
    new = _function(code, component.target)
    if new is None:
        return None
    rest = [s for s in code.body if s is not new and not (set(bound(s)) & defined(tree))]
    imports = [s for s in rest if _imports(s)]
    others = [s for s in rest if not _imports(s)]
    body: list[Statement] = []
    new = _marked(new, component)
    for statement in tree.body:
        if statement is not old:
            body.append(statement)
            continue
        if component.put == "wrap function":
            kept = _free(f"{component.target}_{_BEFORE}", defined(tree) | defined(code))
            body.append(old.with_changes(name=cst.Name(kept)))
            # The old one calls itself by its own name: then it is the whole again, as it should be.
            renamed = new.visit(_Rename(_BEFORE, kept))
            assert isinstance(renamed, cst.FunctionDef)
            new = renamed
        body += [*(_spaced(s) if n == 0 else s for n, s in enumerate(others)), new]
    at = _after_imports(tree)
    return tree.with_changes(body=[*body[:at], *imports, *body[at:]]).code


def _inserted(
    tree: cst.Module, old: cst.FunctionDef, statements: list[cst.CSTNode], component: Component
) -> str | None:
    if not isinstance(old.body, cst.IndentedBlock):
        return None
    lines = list(old.body.body)
    at = 1 if old.get_docstring() is not None else 0
    body = old.body.with_changes(body=[*lines[:at], *statements, *lines[at:]])
    new = _marked(old.with_changes(body=body), component)
    return tree.deep_replace(old, new).code  # type: ignore[union-attr]


def _with_constant(
    tree: cst.Module,
    name: str,
    change: Callable[[cst.BaseExpression], cst.BaseExpression | None],
) -> str | None:
    for statement in tree.body:
        if name in bound(statement) and isinstance(statement, cst.SimpleStatementLine):
            assign = statement.body[0]
            if isinstance(assign, cst.Assign | cst.AnnAssign) and assign.value is not None:
                new = change(assign.value)
                if new is None:
                    return None
                return tree.deep_replace(assign.value, new).code  # type: ignore[union-attr]
    return None


def _with_key(value: cst.BaseExpression, component: Component) -> cst.BaseExpression | None:
    if not isinstance(value, cst.Dict) or component.value is None:
        return None
    for element in value.elements:
        if isinstance(element, cst.DictElement) and value_of(element.key) == component.key:
            if value_of(element.value) == component.value:
                return None
            new = element.with_changes(value=spelt(component.value))
            return value.with_changes(elements=[new if e is element else e for e in value.elements])
    added = cst.DictElement(key=spelt(component.key), value=spelt(component.value))
    return value.with_changes(elements=[*value.elements, added])


def text_of(value: cst.BaseExpression) -> str | None:
    """The text of a string literal, or of literals that stand side by side."""
    if isinstance(value, cst.SimpleString | cst.ConcatenatedString):
        text = value.evaluated_value
        return text if isinstance(text, str) else None
    return None


def _with_text(value: cst.BaseExpression, more: str) -> cst.BaseExpression | None:
    text = text_of(value)
    more = more.strip()
    if text is None or not more or more in text:
        return None
    apart = "\n" if "\n" in text else " "
    return _text(f"{text.rstrip()}{apart}{more}" + ("\n" if text.endswith("\n") else ""))


def _shortened(value: cst.BaseExpression) -> cst.BaseExpression | None:
    text = text_of(value)
    if text is None:
        return None
    lines = text.split("\n")
    for number in reversed(range(len(lines))):
        sentences = _SENTENCE.split(lines[number])
        free = [n for n, s in enumerate(sentences) if s.strip() and not re.search(r"[{}]", s)]
        if free and sum(bool(line.strip()) for line in lines) + len(sentences) > 2:
            sentences.pop(free[-1])
            rest = " ".join(sentences)
            return _text(
                "\n".join([*lines[:number], *([rest] if rest else []), *lines[number + 1 :]])
            )
    return None


def _text(text: str) -> cst.BaseExpression:
    """A string literal that reads well: many lines between three quotes."""
    if "\n" in text and '"""' not in text and "\\" not in text and not text.endswith('"'):
        return cst.SimpleString(f'"""{text}"""')
    return cst.SimpleString(repr(text))


def _function(tree: cst.Module, name: str) -> cst.FunctionDef | None:
    found = [s for s in functions_of(tree) if s.name.value == name]
    return found[0] if len(found) == 1 else None


def _imports(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.SimpleStatementLine) and all(
        isinstance(part, cst.Import | cst.ImportFrom) for part in statement.body
    )


def _after_imports(tree: cst.Module) -> int:
    """Where imports may be added: behind the docstring and what comes from `__future__`."""
    at = 0
    for number, statement in enumerate(tree.body):
        if not isinstance(statement, cst.SimpleStatementLine):
            break
        first = statement.body[0]
        future = isinstance(first, cst.ImportFrom) and (
            isinstance(first.module, cst.Name) and first.module.value == "__future__"
        )
        documents = isinstance(first, cst.Expr) and text_of(first.value) is not None
        if not (future or documents):
            break
        at = number + 1
    return at


def _marked(function: cst.FunctionDef, component: Component) -> cst.FunctionDef:
    """A comment above it names the component, so that it is not put in twice."""
    mark = cst.EmptyLine(comment=cst.Comment(f"{_MARK}{component.name}"))
    lines = [line for line in function.leading_lines if line.comment is not None]
    empty = cst.EmptyLine(indent=False)
    return function.with_changes(leading_lines=[empty, empty, *lines, mark])


def _spaced(statement: Statement) -> Statement:
    """A statement with two blank lines before it."""
    lines = [line for line in statement.leading_lines if line.comment is not None]
    empty = cst.EmptyLine(indent=False)
    return statement.with_changes(leading_lines=[empty, empty, *lines])


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number, free = number + 1, f"{name}_{number + 1}"
    return free


class _Rename(cst.CSTTransformer):
    def __init__(self, old: str, new: str) -> None:
        super().__init__()
        self._old, self._new = old, new

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
        return (
            updated_node.with_changes(value=self._new)
            if updated_node.value == self._old
            else updated_node
        )
