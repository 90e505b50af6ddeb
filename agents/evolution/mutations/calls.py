"""Edits of calls: other arguments, another function, the best of several results."""

from itertools import combinations
from typing import Literal

import libcst as cst

from agents.evolution.mutations.nodes import Edit, every, functions, inside, is_text

_HIGH = frozenset(("score", "value", "objective", "fitness", "quality", "reward", "total"))
_LOW = frozenset(("cost", "loss", "error", "energy", "badness", "distance"))
_SEEDS = ("seed", "random_state")
_TIMES = (4, 16)
_COUNTER = "attempt_"
_STRIDE = 7_919  # a prime, so that two loops of seeds seldom meet


def exchange_arguments(tree: cst.Module) -> list[Edit]:
    """Two arguments of a call exchange their values."""
    edits = []
    for node in inside(tree, cst.Call):
        plain = [n for n, argument in enumerate(node.args) if not argument.star]
        for a, b in combinations(plain, 2):
            if is_text(node.args[a].value) != is_text(node.args[b].value):
                continue
            arguments = list(node.args)
            arguments[a] = node.args[a].with_changes(value=node.args[b].value)
            arguments[b] = node.args[b].with_changes(value=node.args[a].value)
            edits.append(Edit(node, node.with_changes(args=arguments)))
    return edits


def exchange_calls(tree: cst.Module) -> list[Edit]:
    """A call goes to another function of the module that takes as many arguments."""
    there = functions(tree)
    return [
        Edit(node, node.with_changes(func=cst.Name(other)))
        for node in inside(tree, cst.Call)
        if isinstance(node.func, cst.Name) and node.func.value in there
        for other in there
        if other != node.func.value and _names(there[other]) == _names(there[node.func.value])
    ]


def keep_best(tree: cst.Module) -> list[Edit]:
    """A call is made several times, and the result kept that another function scores best.

    That function has one argument and is called `score`, `value`, `objective` … where much is
    good, `cost`, `loss`, `error` … where little is.
    """
    there = functions(tree)
    judges = [name for name in there if _better(name) and len(_names(there[name])) == 1]
    return [
        Edit(node, _best_of(tree, node, there, times, _better(judge), judge))
        for node, name in _several(tree)
        for judge in judges
        if name != judge and not _judged(tree, node, judge)
        for times in _TIMES
    ]


def keep_best_returned(tree: cst.Module) -> list[Edit]:
    """A call is made several times, and the result kept whose own score is the best.

    Each `return` of the function is a tuple with a name such as `score` or `best_loss` in the same
    place.
    """
    there = functions(tree)
    edits = []
    for node, name in _several(tree):
        place = _scored_place(there[name])
        if place is not None:
            at, better = place
            key = f"lambda found_: found_[{at}]"
            edits += [
                Edit(node, _best_of(tree, node, there, times, better, key)) for times in _TIMES
            ]
    return edits


def _several(tree: cst.Module) -> list[tuple[cst.Call, str]]:
    """Calls of the module's own functions, made where several can be made, and whom they call."""
    there = functions(tree)
    unfit = {
        id(call)
        for outer in every(tree, cst.Lambda, cst.Param, cst.Decorator, cst.CompFor)
        for call in every(outer, cst.Call)
    }
    return [
        (node, node.func.value)
        for node in every(tree, cst.Call)
        if isinstance(node.func, cst.Name)
        and node.func.value in there
        and there[node.func.value].asynchronous is None
        and id(node) not in unfit
        and any(r.value is not None for r in every(there[node.func.value], cst.Return))
    ]


def _best_of(
    tree: cst.Module,
    node: cst.Call,
    there: dict[str, cst.FunctionDef],
    times: int,
    better: str,
    key: str,
) -> cst.BaseExpression:
    """The expression that calls several times; a seed among the arguments is another each time."""
    assert isinstance(node.func, cst.Name)
    names = _names(there[node.func.value])
    arguments = list(node.args)
    for n, argument in enumerate(arguments):
        named = argument.keyword.value if argument.keyword is not None else ""
        name = named or (names[n] if n < len(names) else "")
        if name in _SEEDS and not argument.star:
            code = f"({tree.code_for_node(argument.value)}) + {_STRIDE} * {_COUNTER}"
            arguments[n] = argument.with_changes(value=cst.parse_expression(code))
    call = tree.code_for_node(node.with_changes(args=arguments))
    return cst.parse_expression(f"{better}(({call} for {_COUNTER} in range({times})), key={key})")


def _better(name: str) -> Literal["max", "min", ""]:
    words = set(name.lower().strip("_").split("_"))
    if words & _LOW:
        return "min"
    return "max" if words & _HIGH else ""


def _names(function: cst.FunctionDef) -> tuple[str, ...]:
    """The parameters that have no default come first, as they do in Python."""
    return tuple(parameter.name.value for parameter in function.params.params)


def _judged(tree: cst.Module, node: cst.Call, judge: str) -> bool:
    """Whether the call stands within the judge itself, which would call itself for ever."""
    inside = functions(tree)[judge]
    return any(call is node for call in every(inside, cst.Call))


def _scored_place(function: cst.FunctionDef) -> tuple[int, str] | None:
    """Where in the tuples that a function returns its score stands, and which is better."""
    returned = [r.value for r in every(function, cst.Return)]
    if not returned or not all(isinstance(value, cst.Tuple) for value in returned):
        return None
    rows = [[element.value for element in value.elements] for value in returned]
    for at, first in enumerate(rows[0]):
        better = _better(first.value) if isinstance(first, cst.Name) else ""
        if better and all(
            at < len(row) and isinstance(row[at], cst.Name) and _better(row[at].value) == better
            for row in rows
        ):
            return at, better
    return None
