"""Tool that calls a tool of an outside server: what it answers is untrusted text."""

from pydantic import Field, JsonValue

from labcrew import mcp_approvals
from labcrew.domain.base import Model
from labcrew.domain.mcp import McpAnswer
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolChanged, ToolError
from labcrew.taint import taint
from tools.programming.telling import Told
from tools.toolbox import Tool, Workbench


class CallMcpTool(Model):
    """Calls one tool of a server that settings name."""

    server: str = Field(max_length=32)
    tool: str = Field(max_length=128)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


def _call(call: CallMcpTool, assigned: AssignedTicket, bench: Workbench) -> Told:
    servers = bench.mcp
    if servers is None:
        raise ToolError("No outside servers are connected here.")
    known = mcp_approvals.approved(bench.ledger, servers.settings).get((call.server, call.tool))
    if known is None:
        raise ToolError(f"The tool {call.tool} of {call.server} is not approved.")
    if servers.settings[call.server].reads_untrusted:
        # Before it is read: a crash in between must not leave a clean ticket that has read it.
        taint(
            bench.ledger,
            assigned.id,
            "tools",
            actor="rule",
            because=f"{call.tool} of the outside server {call.server} was called",
        )
    try:
        answer = servers.call(call.server, known, call.arguments, assigned.id)
    except ToolChanged as change:
        mcp_approvals.changed(bench.ledger, call.server, known, change.found)
        raise
    # A server is sent a token of its own, and may say it again.
    return told(answer.model_copy(update={"text": bench.redact.without_known(answer.text)}))


def told(answer: McpAnswer) -> Told:
    """An answer as a chat model reads it."""
    head = "The tool says that it failed.\n" if answer.is_error else ""
    tail = "\n… the rest was too long to be kept." if answer.truncated else ""
    return Told(text=f"{head}{answer.text or '(no text)'}{tail}")


call_mcp_tool: Tool[CallMcpTool, Told] = Tool("call_mcp_tool", CallMcpTool, _call)
