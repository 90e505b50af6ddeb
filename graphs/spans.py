"""The spans of a ticket's way: one for the time that a worker holds it, one a step of an agent."""

from contextlib import AbstractContextManager

from labcrew.domain.research import AgentName
from labcrew.tracing import Span, Tracer


def held(tracer: Tracer, what: str, id: str) -> AbstractContextManager[Span]:
    """The time in which a worker holds a ticket, or a drafter a draft.

    Args:
        what: ticket or draft.
        id: e.g. T-001.
    """
    return tracer.span(
        f"invoke_workflow {what}",
        {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": what,
            "gen_ai.conversation.id": id,
        },
    )


def step(tracer: Tracer, agent: AgentName, id: str, node: str) -> AbstractContextManager[Span]:
    """One step of an agent in the machine of a ticket.

    Args:
        agent: whose step it is.
        id: the ticket's.
        node: the machine's name for the step.
    """
    return tracer.span(
        f"invoke_agent {agent}",
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": agent,
            "gen_ai.conversation.id": id,
            "labcrew.node": node,
        },
    )
