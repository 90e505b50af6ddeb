"""Structural changes of a Python program: each operator lists the edits that it can make.

An operator is given a module and gives edits in the order of the file; who calls it chooses one and
looks whether the result compiles. A new operator is a function in one of the files and its name in
the table.
"""

from collections.abc import Callable

import libcst as cst

from agents.evolution.mutations.calls import (
    exchange_arguments,
    exchange_calls,
    keep_best,
    keep_best_returned,
)
from agents.evolution.mutations.expressions import (
    change_comparison,
    change_condition,
    change_number,
    change_operator,
    exchange_names,
)
from agents.evolution.mutations.nodes import Edit
from agents.evolution.mutations.statements import (
    delete_statement,
    duplicate_statement,
    exchange_bodies,
    repeat_in_loop,
    swap_statements,
    try_again,
    unwrap_block,
)

MUTATIONS: dict[str, Callable[[cst.Module], list[Edit]]] = {
    function.__name__: function
    for function in (
        swap_statements,
        delete_statement,
        duplicate_statement,
        unwrap_block,
        repeat_in_loop,
        try_again,
        exchange_bodies,
        change_operator,
        change_comparison,
        change_condition,
        change_number,
        exchange_names,
        exchange_arguments,
        exchange_calls,
        keep_best,
        keep_best_returned,
    )
}
