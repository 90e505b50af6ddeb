"""Structural changes of a Python program, each a small function in a table.

A mutation is given a module and a source of chance, and gives the changed module, or None where it
finds no place. Whether the result compiles is looked at by who calls it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import libcst as cst

from agents.evolution.constants import spelt, value_of

Mutation = Callable[[cst.Module, Random], "Mutated | None"]


@dataclass(frozen=True)
class Mutated:
    """A changed module and what was done, in a few words."""

    tree: cst.Module
    what: str


def swap_statements(tree: cst.Module, random: Random) -> Mutated | None:
    """Two neighbouring statements of a function change places."""
    blocks = [b for b in _blocks(tree) if len(b.body) > 1]
    if not blocks:
        return None
    block = random.choice(blocks)
    at = random.randrange(len(block.body) - 1)
    lines = list(block.body)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return _done(tree, block, block.with_changes(body=lines), f"swap {_told(lines[at + 1])}")


def delete_statement(tree: cst.Module, random: Random) -> Mutated | None:
    """A statement of a function goes."""
    blocks = [b for b in _blocks(tree) if len(b.body) > 1]
    if not blocks:
        return None
    block = random.choice(blocks)
    at = random.randrange(len(block.body))
    lines = [line for number, line in enumerate(block.body) if number != at]
    return _done(tree, block, block.with_changes(body=lines), f"delete {_told(block.body[at])}")


def duplicate_statement(tree: cst.Module, random: Random) -> Mutated | None:
    """A statement of a function is done twice."""
    places = [
        (block, at)
        for block in _blocks(tree)
        for at, line in enumerate(block.body)
        if not _leaves(line)
    ]
    if not places:
        return None
    block, at = random.choice(places)
    lines = [*block.body[: at + 1], block.body[at].deep_clone(), *block.body[at + 1 :]]
    return _done(tree, block, block.with_changes(body=lines), f"do twice {_told(lines[at])}")


_OPERATORS: tuple[tuple[type[cst.BaseBinaryOp], ...], ...] = (
    (cst.Add, cst.Subtract),
    (cst.Multiply, cst.Divide, cst.FloorDivide, cst.Power),
    (cst.Add, cst.Multiply),
    (cst.BitAnd, cst.BitOr, cst.BitXor),
)


def change_operator(tree: cst.Module, random: Random) -> Mutated | None:
    """An arithmetic operator becomes another of its kind."""
    found = []
    for node in _all(tree, cst.BinaryOperation):
        kinds = [k for group in _OPERATORS if type(node.operator) in group for k in group]
        found += [(node, kind) for kind in dict.fromkeys(kinds) if kind is not type(node.operator)]
    if not found:
        return None
    node, kind = random.choice(found)
    return _done(tree, node, node.with_changes(operator=kind()), f"operator in {_told(node)}")


_COMPARISONS: dict[type[cst.BaseCompOp], tuple[type[cst.BaseCompOp], ...]] = {
    cst.LessThan: (cst.LessThanEqual, cst.GreaterThan),
    cst.LessThanEqual: (cst.LessThan, cst.GreaterThanEqual),
    cst.GreaterThan: (cst.GreaterThanEqual, cst.LessThan),
    cst.GreaterThanEqual: (cst.GreaterThan, cst.LessThanEqual),
    cst.Equal: (cst.NotEqual,),
    cst.NotEqual: (cst.Equal,),
}


def change_comparison(tree: cst.Module, random: Random) -> Mutated | None:
    """A comparison becomes another."""
    found = [
        (target, kind)
        for node in _all(tree, cst.Comparison)
        for target in node.comparisons
        for kind in _COMPARISONS.get(type(target.operator), ())
    ]
    if not found:
        return None
    target, kind = random.choice(found)
    new = target.with_changes(operator=kind())
    return _done(tree, target, new, f"comparison with {_told(target.comparator)}")


def negate_condition(tree: cst.Module, random: Random) -> Mutated | None:
    """An `and` becomes an `or`, or the other way round; a condition is turned around."""
    found: list[tuple[cst.CSTNode, cst.CSTNode]] = []
    for node in _all(tree, cst.BooleanOperation):
        other = cst.Or() if isinstance(node.operator, cst.And) else cst.And()
        found.append((node, node.with_changes(operator=other)))
    for condition in _all(tree, cst.If):
        test = condition.test
        turned = cst.UnaryOperation(
            cst.Not(), test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        )
        found.append((test, turned))
    return _chosen(tree, found, random, "condition")


def exchange_arguments(tree: cst.Module, random: Random) -> Mutated | None:
    """Two arguments of a call exchange their values."""
    found = []
    for node in _all(tree, cst.Call):
        plain = [n for n, argument in enumerate(node.args) if not argument.star]
        found += [(node, a, b) for a in plain for b in plain if a < b]
    if not found:
        return None
    node, a, b = random.choice(found)
    arguments = list(node.args)
    arguments[a] = node.args[a].with_changes(value=node.args[b].value)
    arguments[b] = node.args[b].with_changes(value=node.args[a].value)
    return _done(tree, node, node.with_changes(args=arguments), f"arguments of {_told(node.func)}")


def exchange_names(tree: cst.Module, random: Random) -> Mutated | None:
    """A name that a function reads becomes another name of the same function."""
    found: list[tuple[cst.CSTNode, cst.CSTNode]] = []
    for function in _all(tree, cst.FunctionDef):
        names = sorted(
            {p.name.value for p in function.params.params}
            | {t.target.value for t in _all(function, cst.AssignTarget)
               if isinstance(t.target, cst.Name)}
        )  # fmt: skip
        for node in _all(function, cst.BinaryOperation, cst.Arg, cst.Return, cst.ComparisonTarget):
            for field in ("left", "right", "value", "comparator"):
                name = getattr(node, field, None)
                if isinstance(name, cst.Name) and name.value in names:
                    found += [
                        (name, name.with_changes(value=other))
                        for other in names
                        if other != name.value
                    ]
    return _chosen(tree, found, random, "name")


def nudge_number(tree: cst.Module, random: Random) -> Mutated | None:
    """A number anywhere in a function becomes another near it."""
    found = []
    for function in _all(tree, cst.FunctionDef):
        for node in _all(function.body, cst.Integer, cst.Float):
            value = value_of(node)
            if isinstance(value, int) and abs(value) < 1e9:
                near = {value + 1, value * 2, value // 2} | ({value - 1} if value > 0 else set())
                found += [(node, spelt(other)) for other in sorted(near - {value})]
            elif isinstance(value, float):
                near_floats = {value * 0.5, value * 0.9, value * 1.1, value * 2, value + 1.0}
                rounded = {float(f"{other:.6g}") for other in near_floats}
                found += [(node, spelt(other)) for other in sorted(rounded - {value})]
    return _chosen(tree, found, random, "number")


def wrap_in_loop(tree: cst.Module, random: Random) -> Mutated | None:
    """A statement that assigns or calls is done several times."""
    line, block = _calling_line(tree, random)
    if line is None or block is None:
        return None
    times = random.choice((2, 3, 5, 10))
    loop = cst.For(
        target=cst.Name("_"),
        iter=cst.parse_expression(f"range({times})"),
        body=cst.IndentedBlock([line]),
    )
    return _done(tree, line, loop, f"{times} times {_told(line)}")


def wrap_in_try(tree: cst.Module, random: Random) -> Mutated | None:
    """A statement that fails is done once more, and passed over when it fails again."""
    line, block = _calling_line(tree, random)
    if line is None or block is None:
        return None
    name = cst.Name("Exception")

    def handler(body: cst.BaseStatement | cst.SimpleStatementLine) -> cst.ExceptHandler:
        return cst.ExceptHandler(type=name, body=cst.IndentedBlock([body]))

    passing = cst.SimpleStatementLine([cst.Pass()])
    again = cst.Try(body=cst.IndentedBlock([line.deep_clone()]), handlers=[handler(passing)])
    new = cst.Try(body=cst.IndentedBlock([line]), handlers=[handler(again)])
    return _done(tree, line, new, f"try again {_told(line)}")


def exchange_bodies(tree: cst.Module, random: Random) -> Mutated | None:
    """A function gets the body of another with the same parameters."""
    functions = [s for s in tree.body if isinstance(s, cst.FunctionDef)]
    found = [
        (a, b)
        for a in functions
        for b in functions
        if a is not b and _signature(a) == _signature(b) and not a.body.deep_equals(b.body)
    ]
    if not found:
        return None
    into, source = random.choice(found)
    new = into.with_changes(body=source.body.deep_clone())
    return _done(tree, into, new, f"{into.name.value} does what {source.name.value} does")


def keep_best(tree: cst.Module, random: Random) -> Mutated | None:
    """A call of a function that draws by chance is made several times, and the best result kept.

    The module says how results are told apart: a function named `score`, `value`, `objective` or
    `fitness`, or one named `cost`, `loss` or `error` that is to be small, of one argument.
    """
    functions = {s.name.value: s for s in tree.body if isinstance(s, cst.FunctionDef)}
    judges = [name for name in functions if _direction(name) and _arity(functions[name]) == 1]
    found = [
        (node, judge)
        for node in _all(tree, cst.Call)
        if isinstance(node.func, cst.Name) and node.func.value in functions
        for judge in judges
        if node.func.value != judge and not _arity_is_nothing(functions[node.func.value])
    ]
    found = [(n, j) for n, j in found if not _inside_lambda_or_default(tree, n)]
    if not found:
        return None
    node, judge = random.choice(found)
    times = random.choice((4, 8, 16))
    best = "max" if _direction(judge) == "max" else "min"
    call = tree.code_for_node(node)
    new = cst.parse_expression(f"{best}(({call} for _ in range({times})), key={judge})")
    return _done(tree, node, new, f"the best of {times} by {judge} of {_told(node.func)}")


MUTATIONS: tuple[Mutation, ...] = (
    swap_statements,
    delete_statement,
    duplicate_statement,
    change_operator,
    change_comparison,
    negate_condition,
    exchange_arguments,
    exchange_names,
    nudge_number,
    wrap_in_loop,
    wrap_in_try,
    exchange_bodies,
    keep_best,
)


def _all(tree: cst.CSTNode, *kinds: type[Any]) -> list[Any]:
    """Every node of some kinds, in the order of the file."""
    found: list[Any] = []

    def walk(node: cst.CSTNode) -> None:
        if isinstance(node, kinds):
            found.append(node)
        for child in node.children:
            walk(child)

    walk(tree)
    return found


def _blocks(tree: cst.Module) -> list[cst.IndentedBlock]:
    """The blocks of statements within functions."""
    found: dict[int, cst.IndentedBlock] = {}
    for function in _all(tree, cst.FunctionDef):
        for block in _all(function, cst.IndentedBlock):
            found[id(block)] = block
    return list(found.values())


def _lines(tree: cst.Module) -> Iterator[tuple[cst.SimpleStatementLine, cst.IndentedBlock]]:
    for block in _blocks(tree):
        for line in block.body:
            if isinstance(line, cst.SimpleStatementLine):
                yield line, block


def _calling_line(
    tree: cst.Module, random: Random
) -> tuple[cst.SimpleStatementLine | None, cst.IndentedBlock | None]:
    """A line that calls something, or that counts something up."""
    found = [
        (line, block)
        for line, block in _lines(tree)
        if not _leaves(line)
        and not _all(line, cst.Import, cst.ImportFrom, cst.Global, cst.Nonlocal)
        and _all(line, cst.Call, cst.AugAssign)
    ]
    return random.choice(found) if found else (None, None)


def _leaves(line: cst.CSTNode) -> bool:
    return bool(_all(line, cst.Return, cst.Break, cst.Continue, cst.Raise, cst.Yield))


def _signature(function: cst.FunctionDef) -> tuple[Any, ...]:
    parameters = function.params
    return (
        tuple(p.name.value for p in (*parameters.posonly_params, *parameters.params)),
        tuple(p.name.value for p in parameters.kwonly_params),
        isinstance(parameters.star_arg, cst.Param),
        parameters.star_kwarg is not None,
        function.asynchronous is None,
    )


def _direction(name: str) -> str:
    if name in ("score", "value", "objective", "fitness", "quality"):
        return "max"
    return "min" if name in ("cost", "loss", "error", "badness") else ""


def _arity(function: cst.FunctionDef) -> int:
    return sum(p.default is None for p in function.params.params)


def _arity_is_nothing(function: cst.FunctionDef) -> bool:
    """Whether a function gives nothing back."""
    return not any(r.value is not None for r in _all(function, cst.Return))


def _inside_lambda_or_default(tree: cst.Module, node: cst.CSTNode) -> bool:
    return any(node in _all(outer, cst.Call) for outer in _all(tree, cst.Lambda, cst.Param))


def _chosen(
    tree: cst.Module, found: list[tuple[Any, Any]], random: Random, what: str
) -> Mutated | None:
    if not found:
        return None
    old, new = random.choice(found)
    return _done(tree, old, new, f"{what}: {_told(old)} → {_told(new)}")


def _done(tree: cst.Module, old: cst.CSTNode, new: cst.CSTNode, what: str) -> Mutated | None:
    after = tree.deep_replace(old, new)
    return Mutated(after, what) if isinstance(after, cst.Module) else None


def _told(node: cst.CSTNode) -> str:
    """A node's code in one short line."""
    code = " ".join(cst.Module([]).code_for_node(node).split())
    return code if len(code) <= 60 else code[:59] + "…"
