"""Ready-made changes: read from Markdown or Python with front matter, and put into a program.

The format is told in library/README.md. Components of a repository are its own text: what can't be
read, or has no place, is passed over.
"""

import ast
import re
from functools import lru_cache
from typing import Any

from pydantic import Field, ValidationError

from agents.evolution.syntax import NO_TREE, compile_trouble, read, trouble
from labcrew.domain.base import Model
from labcrew.domain.evolution import CodeFile
from labcrew.domain.search_space import ChoiceParameter, nearest
from labcrew.errors import TicketError
from labcrew.ticket_yaml import parse as parse_yaml

_FRONT = re.compile(r"\A\s*---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.S)
_CODE = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.M | re.S)
_PUT = re.compile(
    r"(wrap function|replace function|insert into function|append to constant|shorten constant"
    r"|set key) ([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?"
)
_LONGEST = 20_000


class Component(Model):
    """One ready-made change.

    Args:
        name: unique in its library.
        purpose: one sentence.
        answers: words that stand in the kinds of failure it helps against; none: any.
        needs: names that the top level of the file must have.
        put: how it is put into a program: `wrap function`, …
        target: the function or constant.
        key: of `set key`.
        value: of `set key`.
        body: code, or the text that is added.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")
    purpose: str = Field(max_length=400)
    answers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    put: str
    target: str
    key: str = ""
    value: bool | int | float | str | None = None
    body: str = ""


def read_component(file: CodeFile) -> Component | None:
    """The component in a file; None where it holds none."""
    text = file.text[:_LONGEST]
    front, rest = _parted(file.path, text)
    if front is None:
        return None
    try:
        fields = parse_yaml(front).value()
    except (TicketError, ValueError, RecursionError):
        return None
    put = _PUT.fullmatch(str(fields.get("put", ""))) if isinstance(fields, dict) else None
    if put is None or (put[1] == "set key") != bool(put[3]):
        return None
    code = _CODE.search(rest) if not file.path.endswith(".py") else None
    body = code[1] if code is not None else rest
    try:
        component = Component(
            name=str(fields.get("name", "")),
            purpose=str(fields.get("for", ""))[:400],
            answers=_words(fields.get("answers")),
            needs=_words(fields.get("needs")),
            put=put[1],
            target=put[2],
            key=put[3] or "",
            value=fields.get("value"),
            body=body.strip("\n"),
        )
    except ValidationError:
        return None
    is_code = put[1].endswith("function")
    return None if is_code and (trouble(body) or not body.strip()) else component


@lru_cache(maxsize=512)
def applied(component: Component, text: str) -> str | None:
    """The Python file with a component in it; None where it has no place or is there already."""
    tree = read(text)
    if tree is None or f"component: {component.name}\n" in text:
        return None
    from agents.evolution import putting

    if not set(component.needs) <= putting.defined(tree):
        return None
    try:
        new = putting.put(_within_range(component, text), tree)
    except NO_TREE:
        return None
    if new is None or new == text or compile_trouble(new):
        return None
    return new


def _within_range(component: Component, text: str) -> Component:
    """A component that sets a number, within what the program says that it may be."""
    if not component.key:
        return component
    from agents.evolution.constants import constants

    address = f"{component.target}.{component.key}"
    there = next((c for c in constants(text) if c.address == address), None)
    parameter = there.parameter if there is not None and there.stated else None
    value = component.value
    numbers = isinstance(value, int | float) and not isinstance(value, bool)
    if not numbers or isinstance(parameter, ChoiceParameter | None):
        return component
    assert isinstance(value, int | float)
    return component.model_copy(update={"value": nearest(parameter, value)})


@lru_cache(maxsize=512)
def without(name: str, text: str) -> str | None:
    """The Python file without a component that wraps one of its functions; None: it has none."""
    tree = read(text)
    if tree is None:
        return None
    from agents.evolution import putting

    try:
        new = putting.taken_out(name, tree)
    except NO_TREE:
        return None
    return new if new is not None and not compile_trouble(new) else None


def inside(text: str) -> tuple[str, ...]:
    """The names of the components that wrap functions of a Python file."""
    tree = read(text)
    if tree is None:
        return ()
    from agents.evolution import putting

    return putting.components_in(tree)


def _parted(path: str, text: str) -> tuple[str | None, str]:
    """Front matter and the rest; of a Python file the front matter of its docstring."""
    if not path.endswith(".py"):
        found = _FRONT.match(text)
        return (found[1], text[found.end() :]) if found is not None else (None, text)
    if trouble(text):
        return None, text
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None, text
    found = _FRONT.match(ast.get_docstring(tree) or "")
    if found is None:
        return None, text
    lines = text.splitlines()[tree.body[0].end_lineno or 0 :]
    return found[1], "\n".join(lines)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    return tuple(str(word) for word in value) if isinstance(value, list) else ()
