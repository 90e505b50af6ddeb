"""What becomes of an agent that failed: the coordinator restarts it, reroutes it, or gives up."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from langgraph.runtime import Runtime

from agents.coordinator import RecoveryQuestion
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.base import content_hash
from labcrew.domain.research import AgentName
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import GateRequired, PolicyRefused, ToolError

Node = Callable[[TicketState, Runtime[Work]], Awaitable[dict[str, Any]]]
_MOST_PROBLEMS = 10


async def recovery(
    work: Work,
    assigned: AssignedTicket,
    agent: AgentName,
    problems: list[str],
    *,
    attempts: int,
    step: str,
) -> str:
    """Asks the coordinator, and writes down what it said: restart, reroute or escalate.

    Args:
        problems: what went wrong, or what is wrong with the agent's output.
        attempts: tries so far.
        step: names the try in the log, with what went wrong; the same on every re-run.
    """
    shown = problems[:_MOST_PROBLEMS]
    answer = await work.crew.coordinator.recover(
        RecoveryQuestion(
            agent=agent,
            problems=tuple(shown),
            attempts=attempts,
            model_used=work.crew.judge.asks_models(agent),
        )
    )
    work.ledger.events.append(
        ticket=assigned.id,
        actor="coordinator",
        kind="agent.failed",
        # A step such as the monitor's comes again and again, each time with its first try.
        key=f"{assigned.id}/r{assigned.revision}/{agent}/failed/{step}/{content_hash(shown)[:16]}",
        data={"agent": agent, "problems": shown, "action": answer.action},
    )
    return answer.action


def recovered(agent: AgentName, node: Node) -> Node:
    """The node of an agent; a tool that fails in it is tried again as the coordinator says.

    A node may be run again from its top at any time, so a restart repeats no effect. What is left
    when it gives up is raised: it stops the ticket in a state that a person can retry.
    """

    @wraps(node)
    async def step(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
        attempts = 0
        while True:
            try:
                return await node(state, runtime)
            except (PolicyRefused, GateRequired):
                raise  # a no is not a failure
            except ToolError as error:
                attempts += 1
                work = runtime.context
                action = await recovery(
                    work,
                    work.assigned(state["ticket"]),
                    agent,
                    [error.message],
                    attempts=attempts,
                    step=f"{node.__name__}/{attempts}",
                )
                if action == "escalate":
                    raise
                if action == "reroute":
                    runtime = runtime.override(context=replace(work, crew=work.rules))

    return step
