"""The evolution machine: every move a loop can make."""

import asyncio
from collections.abc import Hashable
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from graphs.evolution import beginning, ending, judging, proposing, rounds
from graphs.evolution.gates import gate_name
from graphs.evolution.loop import Halted, Loop
from graphs.evolution.moving import finished
from graphs.evolution.state import EvolutionState, Route, goes
from labcrew.domain.evolution import HALTED

ROUTES: dict[str, tuple[Route, ...]] = {
    "gate_spec": ("prepare", "close", "wait"),
    "prepare": ("measure_noise",),
    "measure_noise": ("analyse", "close"),
    "analyse": ("propose", "open_sealed"),
    "propose": ("screen", "open_sealed"),
    "screen": ("evaluate", "revert"),
    "evaluate": ("compare", "revert"),
    "compare": ("keep", "revert"),
    "keep": ("note",),
    "revert": ("note",),
    "note": ("analyse", "close"),
    "open_sealed": ("leave_out",),
    "leave_out": ("open_merge_request",),
    "open_merge_request": ("gate_merge", "close"),
    "gate_merge": ("merge", "close", "wait"),
    "merge": ("close",),
}
"""Where each deciding node may lead; nothing else is legal."""
TAKEN_UP: tuple[Route, ...] = (
    "gate_spec",
    "prepare",
    "measure_noise",
    "analyse",
    "propose",
    "screen",
    "evaluate",
    "compare",
    "keep",
    "revert",
    "open_sealed",
    "leave_out",
    "open_merge_request",
    "gate_merge",
)
"""Where a loop can be found standing."""
_NEED_NO_IMAGE = ("gate_spec", "prepare", "gate_merge")
_AFTER: dict[str, Route] = {
    "analysed": "propose",
    "proposed": "screen",
    "screened": "evaluate",
    "evaluated": "compare",
}


async def take_up(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
    """Finds in the ledger where the loop stands: it keeps no position of its own."""
    loop = runtime.context
    place = _place(loop)
    if place not in _NEED_NO_IMAGE:
        await asyncio.to_thread(beginning.bring_back_environment, loop)
    return goes(place)


def _place(loop: Loop) -> Route:
    evolution = loop.evolution
    accepted = loop.ledger.decisions.find(gate_name(loop.id, "plan"))
    if accepted is None or accepted.kind != "accept":
        return "gate_spec"
    if not evolution.image:
        return "prepare"
    if evolution.noise is None:
        return "measure_noise"
    if loop.ledger.merge_requests.of(loop.id):
        return "gate_merge"
    ended = loop.ledger.effect(finished(loop.id))
    if ended is not None and ended.status == "done":
        if evolution.sealed is None:
            return "open_sealed"
        return "open_merge_request" if evolution.kept else "leave_out"
    round_ = loop.round
    if round_ is None:
        return "analyse"
    if round_.status == "decided":
        return "keep" if round_.verdict == "kept" else "revert"
    return _AFTER[round_.status]


_ALWAYS = (take_up, rounds.keep, rounds.revert, rounds.note, ending.close)
"""What ends a round that is decided, so that a cheat that was seen is told; it costs nothing."""


def evolution_graph() -> StateGraph[EvolutionState, Loop, EvolutionState, EvolutionState]:
    """The graph, not compiled; it is run without checkpoints, with a Loop as context."""
    graph = StateGraph(EvolutionState, context_schema=Loop)
    for node in (
        take_up,
        beginning.gate_spec,
        beginning.prepare,
        beginning.measure_noise,
        proposing.analyse,
        proposing.propose,
        proposing.screen,
        judging.evaluate,
        judging.compare,
        rounds.keep,
        rounds.revert,
        rounds.note,
        ending.open_sealed,
        ending.leave_out,
        ending.open_merge_request,
        ending.gate_merge,
        ending.merge,
        ending.close,
    ):
        graph.add_node(node.__name__, node if node in _ALWAYS else _unless_halted(node))
    graph.add_edge(START, "take_up")
    for source, targets in (("take_up", TAKEN_UP), *ROUTES.items()):
        places: dict[Hashable, str] = {
            target: END if target == "wait" else target for target in targets
        }
        graph.add_conditional_edges(source, lambda state: state["route"], places)
    graph.add_edge("close", END)
    return graph


def _unless_halted(node: Any) -> Any:
    """The node, which does not begin once a person has paused or stopped the loop.

    It is asked here, so that no node that runs, asks or publishes can forget it.
    """

    async def step(state: EvolutionState, runtime: Runtime[Loop]) -> dict[str, Any]:
        if runtime.context.evolution.status in HALTED:
            raise Halted
        return await node(state, runtime)  # type: ignore[no-any-return]

    return step


def picture() -> str:
    """The machine in Mermaid's language, without where a loop can be taken up."""
    drawn = evolution_graph().compile().get_graph()
    kept = [e for e in drawn.edges if e.source != "take_up" or e.target == "gate_spec"]
    drawn.edges[:] = kept
    return drawn.draw_mermaid()
