"""A supervised agent: attempt, check, then restart, reroute to rules, ask a person, or done.

Literature review and data profile each run in such a subgraph, side by side, so that a gate in one
does not hold up the other.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from graphs import spans
from graphs.gates import gate_id, make_gate, pause_for
from graphs.recovery import recovery
from graphs.state import AttemptState
from graphs.work import Work
from labcrew.domain.research import AgentName
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import (
    BoundaryError,
    EnvironmentBroken,
    InputError,
    JudgementError,
    ToolError,
)

Attempt = Callable[[Work, AssignedTicket, bool, int], Awaitable[list[str]]]
"""Does the agent's work: (work, ticket, rules_only, attempt) → what is wrong with its output."""

_RECOVERABLE = (ToolError, BoundaryError, EnvironmentBroken, JudgementError, InputError)


def supervised(agent: AgentName, output: str, attempt: Attempt) -> Any:
    """The compiled subgraph of one agent; its only output is the key `output`: done or skipped."""
    result = TypedDict(f"{agent}_output", {output: str}, total=False)  # type: ignore[misc]

    class State(AttemptState, result, total=False):
        pass

    async def try_it(state: AttemptState, runtime: Runtime[Work]) -> dict[str, Any]:
        work = runtime.context
        assigned = work.assigned(state["ticket"])
        rules_only, attempts = state.get("rules_only", False), state.get("attempts", 0) + 1
        total = attempts + 10 * state.get("rounds", 0)
        try:
            with spans.step(work.bench.tracer, agent, assigned.id, output):
                problems = await attempt(work, assigned, rules_only, total)
        except _RECOVERABLE as error:
            problems = [f"{type(error).__name__}: {error}"]
        if not problems:
            return {"attempts": attempts, "problems": "", "route": "done", output: "done"}
        action = await recovery(work, assigned, agent, problems, attempts=attempts, step=str(total))
        if action == "escalate":
            _ask(work, assigned, agent, state.get("rounds", 0), problems)
        return {
            "attempts": attempts,
            "problems": "\n".join(problems[:10]),
            "rules_only": rules_only or action == "reroute",
            "route": "gate" if action == "escalate" else "attempt",
        }

    async def gate(state: AttemptState, runtime: Runtime[Work]) -> dict[str, Any]:
        work, rounds = runtime.context, state.get("rounds", 0)
        decision = pause_for(
            work, gate_id(state["ticket"], "escalation", state["revision"], rounds, agent)
        )
        if decision.kind == "ignore":
            return {"route": "done", output: "skipped"}
        return {"route": "attempt", "attempts": 0, "rounds": rounds + 1}

    graph = StateGraph(State, context_schema=Work, output_schema=result)
    graph.add_node("attempt", try_it)
    graph.add_node("gate", gate)
    graph.add_edge(START, "attempt")
    graph.add_conditional_edges(
        "attempt", lambda s: s["route"], {"attempt": "attempt", "gate": "gate", "done": END}
    )
    graph.add_conditional_edges("gate", lambda s: s["route"], {"attempt": "attempt", "done": END})
    return graph.compile()


def _ask(
    work: Work, assigned: AssignedTicket, agent: AgentName, rounds: int, problems: list[str]
) -> None:
    listed = "\n".join(f"- {problem}" for problem in problems[:10])
    make_gate(
        work,
        assigned,
        "escalation",
        rounds,
        about=agent,
        title=f"{agent.replace('_', ' ')} can't finish",
        description=(
            f"The {agent.replace('_', ' ')} agent of {assigned.id} was restarted and still"
            f" reports:\n\n{listed}\n\n"
            "accept: try again · ignore: go on with what it has, if anything"
        ),
        shown={"agent": agent, "problems": problems[:10]},
        allowed=("accept", "respond", "ignore"),
    )
