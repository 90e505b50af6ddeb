"""Checkpoints keep a graph's place, and reading a file of them runs nothing that it names."""

import ast
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.serde import jsonplus
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from graphs.checkpoints import checkpoints
from graphs.state import TicketState

ROOT = Path(__file__).parents[2]
CONFIG: Any = {"configurable": {"thread_id": "T-001"}}


def _graph(saver: Any) -> Any:
    def ask(state: TicketState) -> dict[str, Any]:
        said = interrupt({"action_request": {"action": "plan:G-1", "args": {"budget": [1, 2.5]}}})
        return {"outcome": said, "revision": state["revision"] + 1}

    graph = StateGraph(TicketState)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile(checkpointer=saver)


async def test_a_graph_that_waits_goes_on_in_another_process(tmp_path: Path) -> None:
    async with checkpoints(tmp_path / "c.db") as saver:
        await _graph(saver).ainvoke({"ticket": "T-001", "revision": 0}, CONFIG)
    async with checkpoints(tmp_path / "c.db") as saver:
        state = await _graph(saver).aget_state(CONFIG)
        (pause,) = state.interrupts
        assert pause.value["action_request"]["args"] == {"budget": [1, 2.5]}
        done = await _graph(saver).ainvoke(Command(resume="accept"), CONFIG)
        assert done == {"ticket": "T-001", "revision": 1, "outcome": "accept"}


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, lambda path: (path,)),
        (jsonplus.EXT_CONSTRUCTOR_POS_ARGS, lambda path: ([path],)),
        (jsonplus.EXT_CONSTRUCTOR_KW_ARGS, lambda path: ({"path": path},)),
        (jsonplus.EXT_PYDANTIC_V1, lambda path: ({"path": path}, "x")),
        (jsonplus.EXT_PYDANTIC_V2, lambda path: ({"path": path}, "x")),
    ],
)
@pytest.mark.parametrize("table", ["checkpoints", "writes"])
async def test_what_a_strangers_file_names_is_not_called(
    tmp_path: Path, table: str, code: int, arguments: Callable[[str], tuple[Any, ...]]
) -> None:
    async with checkpoints(tmp_path / "c.db") as saver:
        await _graph(saver).ainvoke({"ticket": "T-001", "revision": 0}, CONFIG)
    made = tmp_path / "made"
    named = ormsgpack.packb(("os", "mkdir", *arguments(str(made))))
    column = {"checkpoints": "checkpoint", "writes": "value"}[table]
    with closing(sqlite3.connect(tmp_path / "c.db")) as connection, connection:
        planted = ormsgpack.packb(ormsgpack.Ext(code, named))
        connection.execute(f"UPDATE {table} SET {column} = ?", (planted,))
    async with checkpoints(tmp_path / "c.db") as saver:
        with suppress(Exception):  # an error is well, too
            await saver.aget_tuple(CONFIG)
    assert not made.exists()


def test_nobody_else_opens_checkpoints() -> None:
    makers = set()
    for package in ("agents", "desk", "evals", "graphs", "labcrew", "memory", "sandboxes", "tools"):
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text()
            if "langgraph.checkpoint" in text:
                modules = {
                    node.module for node in ast.walk(ast.parse(text))
                    if isinstance(node, ast.ImportFrom) and node.module
                }  # fmt: skip
                if any(module.startswith("langgraph.checkpoint") for module in modules):
                    makers.add(file.relative_to(ROOT).as_posix())
    assert makers == {"graphs/checkpoints.py"}
