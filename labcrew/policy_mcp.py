"""What the policy table asks of calls to tools of outside servers."""

from typing import Any

from labcrew.domain.base import canonical_json
from labcrew.domain.mcp import McpServer
from labcrew.json_schema import MOST_CHARACTERS, misfit
from labcrew.policy_facts import Call


def named_server(call: Call, value: Any) -> bool:
    """a server that settings name for this agent, and one that reaches the network only while no
    untrusted text was read
    """
    server = _server(call, value)
    return call.agent in server.agents and not (server.networked and call.facts.tainted)


def ungated_server(call: Call, value: Any) -> bool:
    """a server that settings name for this agent with gate "none", and one that reaches the network
    only while no untrusted text was read
    """
    return _server(call, value).gate == "none" and named_server(call, value)


def approved_tool(call: Call, value: Any) -> bool:
    """a tool that settings list for that server, which a person approved as it is described"""
    return value in _server(call, call.arguments["server"]).tools and (
        call.facts.mcp_tool(call.arguments["server"], value) is not None
    )


def fitting_arguments(call: Call, value: Any) -> bool:
    """arguments that fit the tool's approved schema, at most 32,000 characters"""
    tool = call.facts.mcp_tool(call.arguments["server"], call.arguments["tool"])
    return (
        tool is not None
        and type(value) is dict
        and len(canonical_json(value)) <= MOST_CHARACTERS
        and misfit(value, tool.input_schema) is None
    )


def _server(call: Call, name: Any) -> McpServer:
    """Raises LookupError for one that settings do not name."""
    server = call.facts.mcp_server(name)
    if server is None:
        raise LookupError("no such server")
    return server
