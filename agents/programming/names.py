"""Which names code speaks of and which it makes, as far as that shows without running it."""

import ast
from collections.abc import Iterable, Mapping
from functools import lru_cache

from agents.programming.source import parsed


def unmade(files: Mapping[str, str], known: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """The names that files speak of and do not make, of those that other versions of them make.

    Where in the files a name is made is not looked at.

    Args:
        files: path → text.
        known: the other versions, path → text each; what none of them makes comes from elsewhere.
    """
    spoken, made = _names(files)
    elsewhere = [_names(version)[1] for version in known]
    return (spoken - made) & frozenset[str]().union(*elsewhere)


def _names(files: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """Those that are spoken of, and those that are made."""
    found = [_names_of(text) for text in files.values()]
    return (
        frozenset[str]().union(*(spoken for spoken, _ in found)),
        frozenset[str]().union(*(made for _, made in found)),
    )


@lru_cache(maxsize=64)
def _names_of(text: str) -> tuple[frozenset[str], frozenset[str]]:
    tree = parsed(text)
    spoken: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                made.add(name)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                spoken.add(name)
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
                | ast.arg(arg=name)
                | ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                made.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                made.update((one.asname or one.name).partition(".")[0] for one in names)
            case _:
                pass
    return frozenset(spoken), frozenset(made)
