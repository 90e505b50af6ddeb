"""Loads the scaffold's plain scripts, which are no package."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import evals.scaffold

HERE = Path(evals.scaffold.__file__).parent


def scorer() -> ModuleType:
    """The judge's script, as a module of its own."""
    return _module("scaffold_score", HERE / "scorer/score.py")


def agent(monkeypatch: pytest.MonkeyPatch, folder: Path | None = None) -> ModuleType:
    """The agent, with its own model and tools; they leave when the test ends."""
    for name in ("model", "tools"):
        monkeypatch.setitem(
            sys.modules, name, _module(f"scaffold_{name}", HERE / "program" / f"{name}.py")
        )
    return _module("scaffold_agent", (folder or HERE / "program") / "agent.py")


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
