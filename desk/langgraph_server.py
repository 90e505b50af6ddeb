"""The ticket machine for a LangGraph server, which brings a checkpointer of its own.

`langgraph.json` names `machine`. It is for looking at the graph and for development: the adapters
are handed down as the run's context, which a server does not have, so labcrew's own worker is
what moves tickets.
"""

from typing import Any


def machine() -> Any:
    """The compiled graph, without a checkpointer and without adapters."""
    from graphs.ticket import ticket_graph

    return ticket_graph().compile(name="ticket")
