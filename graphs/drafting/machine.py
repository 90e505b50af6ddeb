"""The drafting machine: every move a draft can make."""

from collections.abc import Hashable

from langgraph.graph import END, START, StateGraph

from graphs.drafting import nodes
from graphs.drafting.nodes import DraftState, Route
from graphs.drafting.study import Study

ROUTES: dict[str, tuple[Route, ...]] = {
    "read": ("choose_command",),
    "choose_command": ("install", "refuse"),
    "install": ("first_run", "choose_command"),
    "first_run": ("settle_metric", "install", "first_run", "choose_command"),
    "settle_metric": ("repeat", "write", "first_run", "choose_command"),
    "repeat": ("write", "choose_command"),
    "write": ("end", "choose_command"),
}
"""Where each deciding node may lead; nothing else is legal."""


def drafting_graph() -> StateGraph[DraftState, Study, DraftState, DraftState]:
    """The graph, not compiled; it is run without checkpoints, with a Study as context."""
    graph = StateGraph(DraftState, context_schema=Study)
    for node in (
        nodes.read,
        nodes.choose_command,
        nodes.install,
        nodes.first_run,
        nodes.settle_metric,
        nodes.repeat,
        nodes.write,
        nodes.refuse,
    ):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "read")
    for source, targets in ROUTES.items():
        places: dict[Hashable, str] = {
            target: END if target == "end" else target for target in targets
        }
        graph.add_conditional_edges(source, lambda state: state["route"], places)
    graph.add_edge("refuse", END)
    return graph
