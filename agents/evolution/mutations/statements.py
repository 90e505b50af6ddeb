"""Edits of whole statements and bodies."""

from typing import Any

import libcst as cst

from agents.evolution.mutations.nodes import Edit, blocks, every, functions, is_text, leaves

_TIMES = (2, 3, 5, 10)


def swap_statements(tree: cst.Module) -> list[Edit]:
    """Two neighbouring statements change places."""
    edits = []
    for block in blocks(tree):
        lines = list(block.body)
        for at in range(len(lines) - 1):
            if _speaks(lines[at]) or _speaks(lines[at + 1]):
                continue
            swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
            edits.append(Edit(block, block.with_changes(body=swapped)))
    return edits


def delete_statement(tree: cst.Module) -> list[Edit]:
    """A statement goes; a text that stands alone says nothing to the program, and stays."""
    return [
        Edit(block, block.with_changes(body=[*block.body[:at], *block.body[at + 1 :]]))
        for block in blocks(tree)
        for at, line in enumerate(block.body)
        if len(block.body) > 1 and not _speaks(line)
    ]


def duplicate_statement(tree: cst.Module) -> list[Edit]:
    """A statement is done twice."""
    return [
        Edit(block, block.with_changes(body=[*block.body[: at + 1], *block.body[at:]]))
        for block in blocks(tree)
        for at, line in enumerate(block.body)
        if not leaves(line) and not _speaks(line)
    ]


def unwrap_block(tree: cst.Module) -> list[Edit]:
    """The body of an `if` is done always; that of its `else` never."""
    edits = []
    for block in blocks(tree):
        for at, line in enumerate(block.body):
            if isinstance(line, cst.If) and isinstance(line.body, cst.IndentedBlock):
                body = [*block.body[:at], *line.body.body, *block.body[at + 1 :]]
                edits.append(Edit(block, block.with_changes(body=body)))
    return edits


def repeat_in_loop(tree: cst.Module) -> list[Edit]:
    """A statement that calls or counts is done several times."""
    return [
        Edit(
            line,
            cst.For(
                target=cst.Name("_"),
                iter=cst.parse_expression(f"range({times})"),
                body=cst.IndentedBlock([line]),
            ),
        )
        for line in _calling(tree)
        for times in _TIMES
    ]


def try_again(tree: cst.Module) -> list[Edit]:
    """A statement that fails is done once more, and passed over when it fails again."""
    edits = []
    passing = cst.SimpleStatementLine([cst.Pass()])
    for line in _calling(tree):
        again = cst.Try(body=cst.IndentedBlock([line]), handlers=[_handler(passing)])
        edits.append(Edit(line, again))
        twice = cst.Try(body=cst.IndentedBlock([line]), handlers=[_handler(again)])
        edits.append(Edit(line, twice))
    return edits


def exchange_bodies(tree: cst.Module) -> list[Edit]:
    """A function gets the body of another with the same parameters."""
    there = list(functions(tree).values())
    return [
        Edit(into, into.with_changes(body=source.body))
        for into in there
        for source in there
        if into is not source
        and _signature(into) == _signature(source)
        and not into.body.deep_equals(source.body)
    ]


def _speaks(line: cst.BaseStatement | cst.BaseSmallStatement) -> bool:
    """Whether a statement is documentation, or another text that nothing is done with."""
    return (
        isinstance(line, cst.SimpleStatementLine)
        and len(line.body) == 1
        and isinstance(line.body[0], cst.Expr)
        and is_text(line.body[0].value)
    )


def _handler(body: cst.SimpleStatementLine | cst.Try) -> cst.ExceptHandler:
    return cst.ExceptHandler(type=cst.Name("Exception"), body=cst.IndentedBlock([body]))


def _calling(tree: cst.Module) -> list[cst.SimpleStatementLine]:
    """The lines that call something, or count something up."""
    return [
        line
        for block in blocks(tree)
        for line in block.body
        if isinstance(line, cst.SimpleStatementLine)
        and not leaves(line)
        and not every(line, cst.Import, cst.ImportFrom, cst.Global, cst.Nonlocal)
        and every(line, cst.Call, cst.AugAssign)
    ]


def _signature(function: cst.FunctionDef) -> tuple[Any, ...]:
    parameters = function.params
    return (
        tuple(p.name.value for p in (*parameters.posonly_params, *parameters.params)),
        tuple(p.name.value for p in parameters.kwonly_params),
        isinstance(parameters.star_arg, cst.Param),
        parameters.star_kwarg is not None,
        function.asynchronous is None,
    )
