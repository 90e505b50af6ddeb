"""Loads the scaffold's plain scripts, which are no package."""

import importlib.util
from pathlib import Path
from types import ModuleType

import evals.scaffold

HERE = Path(evals.scaffold.__file__).parent


def scorer() -> ModuleType:
    """The judge's script, as a module of its own."""
    return _module("scaffold_score", HERE / "scorer/score.py")


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
