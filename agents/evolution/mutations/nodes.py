"""Finding nodes of a syntax tree, and an edit of one."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import libcst as cst


@dataclass(frozen=True)
class Edit:
    """One node in the place of another."""

    old: cst.CSTNode
    new: cst.CSTNode

    def made(self, tree: cst.Module) -> str:
        """The module's text after the edit."""
        after = tree.deep_replace(self.old, self.new)
        return after.code if isinstance(after, cst.Module) else tree.code


def every(tree: cst.CSTNode, *kinds: type[Any]) -> list[Any]:
    """The nodes of some kinds, in the order of the file."""
    return [node for node in _flat(tree) if isinstance(node, kinds)]


# libcst finds a node's children anew each time, slowly, and operators look at the same ones.
@lru_cache(maxsize=20_000)
def _flat(node: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    return (node, *chain.from_iterable(_flat(child) for child in node.children))


def functions(tree: cst.Module) -> dict[str, cst.FunctionDef]:
    """The functions of the top level by name."""
    return {s.name.value: s for s in tree.body if isinstance(s, cst.FunctionDef)}


def working(tree: cst.Module) -> list[cst.FunctionDef]:
    """The functions, methods and inner ones that do the work.

    `main` reads and writes, where there are others: a change of it is of no use.
    """
    found: list[cst.FunctionDef] = every(tree, cst.FunctionDef)
    main = {id(node) for f in found if f.name.value == "main" for node in _flat(f)}
    return [function for function in found if id(function) not in main] or found


def inside(tree: cst.Module, *kinds: type[Any]) -> list[Any]:
    """The nodes of some kinds within working functions, each once, in the order of the file."""
    found = {id(node): node for function in working(tree) for node in every(function, *kinds)}
    return list(found.values())


def is_text(node: cst.CSTNode) -> bool:
    """Whether an expression is a string, as far as can be seen from itself."""
    if isinstance(node, cst.BinaryOperation):
        return is_text(node.left) or is_text(node.right)
    return isinstance(node, cst.BaseString)


def blocks(tree: cst.Module) -> list[cst.IndentedBlock]:
    """The blocks of statements within working functions."""
    return inside(tree, cst.IndentedBlock)


def leaves(line: cst.CSTNode) -> bool:
    """Whether a statement may leave its block."""
    return bool(every(line, cst.Return, cst.Break, cst.Continue, cst.Raise, cst.Yield))
