"""Literals of the code itself, for a program that offers nothing else to set."""

from __future__ import annotations

import ast
import posixpath

from source_literals import literals  # type: ignore[import-not-found]

from ..program import Program
from ..setting import MOST_SETTINGS, Setting, cleaned, setting, type_of
from ..syntax import dotted, in_order

_MOST_TEXT = 40
_SHOWN = {
    "title", "xlabel", "ylabel", "label", "color", "colors", "c", "marker", "linestyle", "cmap",
    "fontsize", "figsize", "ls", "lw", "linewidth", "markersize", "ha", "va", "format", "fmt",
    "loc", "edgecolor", "facecolor", "zorder", "dpi", "rotation", "bbox_to_anchor", "name",
    "encoding", "description", "help", "msg", "end", "sep", "file", "__version__", "__author__",
}  # fmt: skip
_PLOTS = {
    "subplots", "plot", "figure", "scatter", "savefig", "imshow", "legend", "set_title", "suptitle",
    "text", "annotate", "tick_params", "subplots_adjust", "contour", "contourf", "bar", "barh",
    "add_argument", "print", "colorbar", "open", "axhline", "axvline", "hist", "fill_between",
    "pcolormesh", "set_xlabel", "set_ylabel", "set_xticks", "set_yticks", "errorbar", "grid",
    "show", "ArgumentParser", "option", "argument", "Option", "Argument",
}  # fmt: skip


def find(program: Program) -> list[Setting]:
    """The numbers, booleans and short texts that have an address, of the file that is run."""
    source = program.entry
    found: list[Setting] = []
    overridden = _overridden(program)
    for literal in literals(source.tree):
        name = literal.address.rpartition(".")[2].partition("/")[0]
        if name in _SHOWN or literal.owner in _PLOTS or _no_setting(literal.value):
            continue
        mechanism = "keyword" if literal.kind == "keyword" else "constant"
        whole = repr(tuple(literal.value)) if isinstance(literal.value, list | tuple) else None
        one = setting(
            literal.address,
            mechanism,
            source.place(literal.node),
            type=type_of(literal.value),
            default=whole if whole is not None else literal.value,
            owner=literal.owner,
            spelling=f"--{name}=" if overridden and literal.address == name else "",
        )
        found.append(one)
        if len(found) == MOST_SETTINGS:
            break
    return found


def _overridden(program: Program) -> bool:
    """Whether the program runs a file that sets its globals from `--name=value`."""
    for call in program.entry.calls:
        if dotted(call.func) != "exec":
            continue
        for inner in in_order(call):
            path = inner.value if isinstance(inner, ast.Constant) else None
            if not isinstance(path, str) or not path.endswith(".py"):
                continue
            for base in ("", posixpath.dirname(program.entry.path)):
                text = program.text_of(posixpath.join(base, path)) or ""
                if "sys.argv" in text and "globals()" in text:
                    return True
    return False


def _no_setting(value: object) -> bool:
    """Whether a literal is a path, an address, a sentence or a long list: nothing to try out."""
    if isinstance(value, list | tuple):
        return len(value) > 10 or any(isinstance(v, str) for v in value)
    if not isinstance(value, str):
        return False
    text = cleaned(value)
    return not text or len(value) > _MOST_TEXT or any(mark in value for mark in "/\\\n <>{}%:")
