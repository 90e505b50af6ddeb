"""What servers said, checked and cleaned before anybody reads it."""

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from labcrew.domain.mcp import McpAnswer, McpTool
from labcrew.errors import ToolChanged, ToolError
from labcrew.plain_text import HALVES, ODD

MOST_DEFINITION = 32_000
"""Characters of all that a server says of one tool."""
_TOOLS: TypeAdapter[tuple[McpTool, ...]] = TypeAdapter(tuple[McpTool, ...])


def tools_of(definitions: Sequence[Any], server: str) -> tuple[McpTool, ...]:
    """The tools of a list, by name. Raises ToolError."""
    try:
        tools = _TOOLS.validate_python(tuple(definitions))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ToolError(
            f"The server {server} describes a tool in no form of the protocol: {first['msg']}."
        ) from None
    except RecursionError:
        raise ToolError(f"The server {server} describes a tool nested too deep.") from None
    for tool in tools:
        if len(tool.model_dump_json()) > MOST_DEFINITION:
            raise ToolError(
                f"The server {server} says more than {MOST_DEFINITION} characters of one tool."
            )
    if len({tool.name for tool in tools}) < len(tools):
        raise ToolError(f"The server {server} offers two tools of one name.")
    return tuple(sorted(tools, key=lambda tool: tool.name))


def same_tool(wanted: McpTool, found: Sequence[McpTool], server: str) -> None:
    """Raises ToolChanged unless a server still describes a tool as it was approved."""
    now = next((tool for tool in found if tool.name == wanted.name), None)
    if now != wanted:
        what = "does not offer" if now is None else "now describes otherwise"
        raise ToolChanged(
            f"The server {server} {what} the tool {shown(wanted.name, 128)}; it was not called.",
            f"A person looks at it with `labcrew mcp tools {server}`, and approves it or not.",
            found=now,
        )


def answer_of(result: Any, most_kb: int, server: str) -> McpAnswer:
    """The text of a call's result; what is no text is named, not shown. Raises ToolError."""
    if not isinstance(result, dict) or not isinstance(result.get("content", []), list):
        raise ToolError(f"The server {server} answered in no form of the protocol.")
    parts = [_part(one) for one in result.get("content", [])]
    if not any(parts) and result.get("structuredContent") is not None:
        parts = [json.dumps(result["structuredContent"], ensure_ascii=False)]
    text = shown("\n".join(parts), None)
    most = most_kb * 1024
    cut = text.encode()[:most].decode("utf-8", "ignore")
    return McpAnswer(text=cut, is_error=bool(result.get("isError")), truncated=len(cut) < len(text))


def _part(one: Any) -> str:
    if not isinstance(one, dict):
        return "(something that is no content)"
    kind = str(one.get("type"))[:40]
    if kind == "text":
        return str(one.get("text", ""))
    resource = one.get("resource")
    if kind == "resource" and isinstance(resource, dict) and "text" in resource:
        return str(resource["text"])
    return f"({kind}, not shown)"


def shown(text: str, most: int | None) -> str:
    """Untrusted text without characters that nobody sees, cut."""
    clean = ODD.sub("", HALVES.sub("", text))
    return clean if most is None or len(clean) <= most else clean[: most - 1] + "…"
