"""Edits of operators, conditions, numbers and names."""

import libcst as cst

from agents.evolution.constants import spelt, value_of
from agents.evolution.mutations.nodes import Edit, every, inside, is_text, working

_OPERATORS: tuple[tuple[type[cst.BaseBinaryOp], ...], ...] = (
    (cst.Add, cst.Subtract),
    (cst.Multiply, cst.Divide, cst.FloorDivide, cst.Power),
    (cst.Add, cst.Multiply),
    (cst.BitAnd, cst.BitOr, cst.BitXor),
)
_ASSIGNING: tuple[tuple[type[cst.BaseAugOp], ...], ...] = (
    (cst.AddAssign, cst.SubtractAssign),
    (cst.MultiplyAssign, cst.DivideAssign),
    (cst.AddAssign, cst.MultiplyAssign),
)
_COMPARISONS: dict[type[cst.BaseCompOp], tuple[type[cst.BaseCompOp], ...]] = {
    cst.LessThan: (cst.LessThanEqual, cst.GreaterThan),
    cst.LessThanEqual: (cst.LessThan, cst.GreaterThanEqual),
    cst.GreaterThan: (cst.GreaterThanEqual, cst.LessThan),
    cst.GreaterThanEqual: (cst.GreaterThan, cst.LessThanEqual),
    cst.Equal: (cst.NotEqual,),
    cst.NotEqual: (cst.Equal,),
}
_BIG = 10**9


def change_operator(tree: cst.Module) -> list[Edit]:
    """An arithmetic operator becomes another of its kind."""
    edits = []
    for node in inside(tree, cst.BinaryOperation, cst.AugAssign):
        if is_text(node) or (isinstance(node, cst.AugAssign) and is_text(node.value)):
            continue
        groups = _OPERATORS if isinstance(node, cst.BinaryOperation) else _ASSIGNING
        kind = type(node.operator)
        others = dict.fromkeys(o for group in groups if kind in group for o in group)
        edits += [Edit(node, node.with_changes(operator=o())) for o in others if o is not kind]
    return edits


def change_comparison(tree: cst.Module) -> list[Edit]:
    """A comparison becomes another."""
    return [
        Edit(target, target.with_changes(operator=kind()))
        for node in inside(tree, cst.Comparison)
        for target in node.comparisons
        for kind in _COMPARISONS.get(type(target.operator), ())
    ]


def change_condition(tree: cst.Module) -> list[Edit]:
    """An `and` becomes an `or`, or the other way round; a condition is turned around."""
    edits = []
    for node in inside(tree, cst.BooleanOperation):
        other = cst.Or() if isinstance(node.operator, cst.And) else cst.And()
        edits.append(Edit(node, node.with_changes(operator=other)))
    for statement in inside(tree, cst.If, cst.While):
        test = statement.test
        inner = test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        edits.append(Edit(test, cst.UnaryOperation(cst.Not(), inner)))
    return edits


def change_number(tree: cst.Module) -> list[Edit]:
    """A number anywhere in a function becomes another near it."""
    edits = []
    for function in working(tree):
        for node in every(function.body, cst.Integer, cst.Float):
            value = value_of(node)
            near: set[int | float] = set()
            if isinstance(value, int) and value < _BIG:
                near = {value + 1, max(0, value - 1), value * 2, value // 2}
            elif isinstance(value, float) and value < _BIG:
                factors = (0.5, 0.9, 1.1, 2.0)
                near = {float(f"{value * factor:.6g}") for factor in factors} | {value + 1.0}
            edits += [Edit(node, spelt(other)) for other in sorted(near) if other != value]
    return edits


def exchange_names(tree: cst.Module) -> list[Edit]:
    """A name that a function reads becomes another name of the same function."""
    edits = []
    for function in working(tree):
        known = {parameter.name.value for parameter in function.params.params}
        for target in every(function, cst.AssignTarget, cst.For):
            if isinstance(target.target, cst.Name):
                known.add(target.target.value)
        for node in every(function, cst.BinaryOperation, cst.Arg, cst.Return, cst.ComparisonTarget):
            for field in ("left", "right", "value", "comparator"):
                name = getattr(node, field, None)
                if isinstance(name, cst.Name) and name.value in known:
                    edits += [
                        Edit(name, name.with_changes(value=other))
                        for other in sorted(known)
                        if other != name.value
                    ]
    return edits
