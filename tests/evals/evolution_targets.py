"""Loads the plain scripts of the targets, which are no package."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from evals.evolution.make import TARGETS


def script(path: str) -> ModuleType:
    """A script under targets/, as a module of its own."""
    spec = importlib.util.spec_from_file_location("a_target_script", TARGETS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scored(target: str, folder: Path, answer: Any, output: bytes | None) -> dict[str, Any]:
    """What a target's scorer says of one output, through its own command line."""
    run = folder / "runs" / "alias"
    run.mkdir(parents=True, exist_ok=True)
    (run / "case.json").write_text(json.dumps({"input": {}, "answer": answer, "seed": 0}))
    (run / "output").unlink(missing_ok=True)
    if output is not None:
        (run / "output").write_bytes(output)
    script(f"{target}/scorer/score.py").main(str(folder / "runs"), str(folder / "scores.json"))
    made: dict[str, dict[str, Any]] = json.loads((folder / "scores.json").read_text())
    assert list(made) == ["alias"]
    return made["alias"]
