"""What two versions of a Python file have differently, and taking one thing from the other."""

from collections.abc import Sequence
from functools import lru_cache

import libcst as cst

from agents.evolution.constants import constants, with_constants
from agents.evolution.putting import Statement, bound, defined
from agents.evolution.syntax import read


@lru_cache(maxsize=256)
def parts_that_differ(mine: str, theirs: str) -> tuple[str, ...]:
    """Names of the top level that the other has otherwise, or has alone."""
    trees = read(mine), read(theirs)
    if trees[0] is None or trees[1] is None:
        return ()
    ours = _named(trees[0])
    return tuple(
        name
        for name, node in _named(trees[1]).items()
        if name not in ours or not node.deep_equals(ours[name])
    )


@lru_cache(maxsize=256)
def constants_that_differ(mine: str, theirs: str) -> tuple[str, ...]:
    """Addresses of constants that both have, with different values."""
    ours = {constant.address: constant.value for constant in constants(mine)}
    return tuple(
        constant.address
        for constant in constants(theirs)
        if constant.address in ours and ours[constant.address] != constant.value
    )


@lru_cache(maxsize=256)
def taken(mine: str, theirs: str, kind: str, name: str) -> str | None:
    """My file with one thing of the other; None where that can't be.

    Args:
        kind: "part": a name of the top level, with those that it needs and that I lack;
            "constant": an address.
    """
    if kind == "constant":
        values = {c.address: c.value for c in constants(theirs) if c.address == name}
        return with_constants(mine, values) if values else None
    trees = read(mine), read(theirs)
    if trees[0] is None or trees[1] is None:
        return None
    source = _named(trees[1])
    if name not in source:
        return None
    lacks = [n for n in _needed(source, name) if n not in defined(trees[0])]
    body = list(trees[0].body)
    place = next((n for n, statement in enumerate(body) if name in bound(statement)), None)
    new = source[name]
    if place is not None:
        body[place] = new
    else:
        place = _before_main(body)
        body.insert(place, new)
    extra = list({id(source[n]): source[n] for n in lacks if source[n] is not new}.values())
    return trees[0].with_changes(body=[*body[:place], *extra, *body[place:]]).code


def _named(tree: cst.Module) -> dict[str, Statement]:
    return {name: statement for statement in tree.body for name in bound(statement)}


def _needed(source: dict[str, Statement], name: str) -> list[str]:
    """The names of the top level that a part uses, and that those use in turn, the last first."""
    order: list[str] = []
    todo = [name]
    while todo:
        at = todo.pop()
        words = _Words()
        source[at].visit(words)
        for word in sorted(words.found):
            if word in source and word not in order and word != name:
                order.append(word)
                todo.append(word)
    return order[::-1]


def _before_main(body: Sequence[Statement]) -> int:
    """Where a new part goes: before the last `if __name__ …`, else at the end."""
    if body and isinstance(body[-1], cst.If):
        return len(body) - 1
    return len(body)


class _Words(cst.CSTVisitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_Name(self, node: cst.Name) -> None:
        self.found.add(node.value)
