"""Finding nodes of a syntax tree, and an edit of one."""

from dataclasses import dataclass
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
    found: list[Any] = []

    def walk(node: cst.CSTNode) -> None:
        if isinstance(node, kinds):
            found.append(node)
        for child in node.children:
            walk(child)

    walk(tree)
    return found


def functions(tree: cst.Module) -> dict[str, cst.FunctionDef]:
    """The functions of the top level by name."""
    return {s.name.value: s for s in tree.body if isinstance(s, cst.FunctionDef)}


def blocks(tree: cst.Module) -> list[cst.IndentedBlock]:
    """The blocks of statements within functions."""
    found = {
        id(block): block
        for function in every(tree, cst.FunctionDef)
        for block in every(function, cst.IndentedBlock)
    }
    return list(found.values())


def leaves(line: cst.CSTNode) -> bool:
    """Whether a statement may leave its block."""
    return bool(every(line, cst.Return, cst.Break, cst.Continue, cst.Raise, cst.Yield))
