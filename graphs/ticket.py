"""The ticket machine: every move a ticket can make."""

from functools import wraps
from typing import Any, get_args

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from graphs import spans
from graphs.nodes import analysis, closing, code, delivery, monitoring, preparation, trials
from graphs.programming.machine import programming_graph
from graphs.recovery import Node, recovered
from graphs.state import Route, TicketState
from graphs.supervised import supervised
from graphs.work import HALTED, Halted, Work
from labcrew.domain.research import AgentName

_AGENTS: dict[str, AgentName] = {
    "prepare": "experiment_launcher",
    "design_trials": "experiment_launcher",
    "launch_trials": "experiment_launcher",
    "monitor_trials": "log_monitor",
    "open_merge_request": "merge_request",
    "smoke_test": "merge_request",
    "merge": "merge_request",
}
"""Whose step a node is: what its tools fail at, the coordinator restarts or reroutes."""


def ticket_graph() -> StateGraph[TicketState, Work, TicketState, TicketState]:
    """The graph, not compiled: `compile(checkpointer=…)` and run it with a Work as context."""
    graph = StateGraph(TicketState, context_schema=Work)
    graph.add_node("intake", preparation.intake)
    graph.add_node(
        "literature_review",
        supervised("literature_review", "literature_review", preparation.review_literature),
    )
    graph.add_node(
        "profile_data", supervised("data_pipeline", "profile_data", preparation.profile_data)
    )
    graph.add_node("investigate", programming_graph("investigate"))
    graph.add_node("write_code", programming_graph("write_code"))
    for node in (
        preparation.plan,
        preparation.gate_plan,
        preparation.prepare,
        code.weigh_patch,
        code.gate_code,
        code.gate_models,
        trials.design_trials,
        trials.launch_trials,
        monitoring.monitor_trials,
        analysis.analyse,
        analysis.gate_budget,
        analysis.gate_escalation,
        delivery.open_merge_request,
        delivery.smoke_test,
        delivery.gate_merge,
        delivery.merge,
        delivery.revise,
        closing.close,
        closing.reflect,
    ):
        whose = _AGENTS.get(node.__name__)
        graph.add_node(
            node.__name__, _unless_halted(recovered(whose, node) if whose is not None else node)
        )
    graph.add_edge(START, "intake")
    # Both agents run in one superstep, so what follows starts once, when the slower one has ended.
    for agent in ("literature_review", "profile_data"):
        graph.add_edge("intake", agent)
        graph.add_edge(agent, "investigate")
    graph.add_edge("investigate", "plan")
    graph.add_edge("write_code", "weigh_patch")
    graph.add_edge("plan", "gate_plan")
    graph.add_edge("launch_trials", "monitor_trials")
    graph.add_edge("open_merge_request", "smoke_test")
    graph.add_edge("smoke_test", "gate_merge")
    graph.add_edge("close", "reflect")
    graph.add_edge("reflect", END)
    for source, targets in ROUTES.items():
        graph.add_conditional_edges(source, lambda state: state["route"], list(targets))
    return graph


def _unless_halted(node: Node) -> Any:
    """The node, which begins nothing once a person has paused or stopped the ticket."""

    @wraps(node)
    async def step(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
        work, ticket, name = runtime.context, state["ticket"], node.__name__
        if work.assigned(ticket).status in HALTED:
            raise Halted(ticket)
        with spans.step(work.bench.tracer, _AGENTS.get(name, "coordinator"), ticket, name):
            return await node(state, runtime)

    return step


ROUTES: dict[str, tuple[Route, ...]] = {
    "gate_plan": ("prepare", "plan", "close"),
    "prepare": ("design_trials", "write_code", "plan"),
    "weigh_patch": ("design_trials", "open_merge_request", "gate_code", "gate_models"),
    "gate_code": ("write_code", "close"),
    "gate_models": ("write_code", "close"),
    "design_trials": ("launch_trials", "analyse"),
    "monitor_trials": ("monitor_trials", "launch_trials", "design_trials"),
    "analyse": (
        "design_trials",
        "gate_budget",
        "gate_escalation",
        "gate_code",
        "open_merge_request",
        "close",
    ),
    "gate_budget": ("design_trials", "analyse"),
    "gate_escalation": ("design_trials", "close"),
    "gate_merge": ("merge", "revise", "close"),
    "merge": ("reflect", "close"),
    "revise": ("plan",),
}
"""Where each deciding node may lead; nothing else is legal."""


def picture() -> str:
    """The machine as Mermaid, drawn from the compiled graph."""
    drawn: Any = ticket_graph().compile().get_graph(xray=1)
    return str(drawn.draw_mermaid())


assert {t for targets in ROUTES.values() for t in targets} == set(get_args(Route))
