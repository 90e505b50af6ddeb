"""The components that come with labcrew; README.md tells their format and convention."""

from functools import lru_cache
from importlib.resources import files

from agents.evolution.components import Component, read_component
from labcrew.domain.evolution import CodeFile


@lru_cache(maxsize=1)
def built_in() -> tuple[Component, ...]:
    """Every built-in component, in the order of the names."""
    folder = files(__name__)
    names = sorted(p.name for p in folder.iterdir() if p.name.endswith(".md"))
    found = (
        read_component(CodeFile(path=name, text=folder.joinpath(name).read_text(encoding="utf-8")))
        for name in names
        if name != "README.md"
    )
    return tuple(component for component in found if component is not None)
