"""What a LangGraph server loads: a factory named in langgraph.json."""

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_factory_makes_the_machine_without_checkpointer_or_adapters() -> None:
    settings = json.loads((ROOT / "langgraph.json").read_text())
    file, _, name = settings["graphs"]["ticket"].partition(":")
    spec = importlib.util.spec_from_file_location("loaded_by_a_server", ROOT / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    graph = getattr(module, name)()
    assert graph.checkpointer is None
    assert "gate_merge" in graph.get_graph().nodes
    assert graph.get_input_jsonschema()["properties"]["ticket"]["type"] == "string"
