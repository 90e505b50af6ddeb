"""What a strict chat endpoint would say of a request."""

import re
from typing import Any

_PATHS = re.compile(r"/v1/chat/completions|/openai/deployments/[\w.-]+/chat/completions")


def protocol_trouble(path: str, body: dict[str, Any]) -> str | None:
    """What is wrong with a request, or None."""
    if not _PATHS.fullmatch(path):
        return f"no such path: {path}"
    if path.startswith("/v1") and not body.get("model"):
        return "model is required"
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        return "messages are required"
    if "stream_options" in body and not body.get("stream"):
        return "stream_options needs stream"
    return (
        _conversation_trouble(body["messages"])
        or _tools_trouble(body.get("tools"))
        or _format_trouble(body.get("response_format"))
    )


def _conversation_trouble(messages: list[dict[str, Any]]) -> str | None:
    """Each call is answered right after it, once, and nothing else is."""
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        role = message.get("role")
        if role not in ("system", "user", "assistant", "tool"):
            return f"messages[{number}]: no such role: {role}"
        if role == "system" and number:
            return f"messages[{number}]: a system message comes first"
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                return f"messages[{number}]: a tool's answer to no call"
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            return f"messages[{number}]: calls without an answer: {sorted(open_calls)}"
        if not isinstance(message.get("content"), str) and not message.get("tool_calls"):
            return f"messages[{number}]: content is required"
        ids = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(ids)) < len(ids):
            return f"messages[{number}]: two calls have one id"
        open_calls = set(ids)
    return f"calls without an answer: {sorted(open_calls)}" if open_calls else None


def _tools_trouble(tools: Any) -> str | None:
    if tools is None:
        return None
    if not isinstance(tools, list) or not tools:
        return "tools must be a list that is not empty"
    for tool in tools:
        function = tool.get("function") or {}
        if tool.get("type") != "function" or not re.fullmatch(
            r"[A-Za-z0-9_-]{1,64}", function.get("name", "")
        ):
            return "a tool needs type function and a name"
        if function.get("parameters", {}).get("type") != "object":
            return f"tool {function['name']}: parameters must be an object"
    return None


def _format_trouble(wanted: Any) -> str | None:
    if wanted is None or wanted == {"type": "json_object"}:
        return None
    if wanted.get("type") != "json_schema":
        return "response_format must be of type json_schema or json_object"
    if not isinstance(wanted.get("json_schema", {}).get("schema"), dict):
        return "response_format.json_schema.schema is required"
    return _strict_trouble(wanted["json_schema"])


def _strict_trouble(wanted: dict[str, Any]) -> str | None:
    """What a strict endpoint would say of the schema: closed tables, every key required."""
    if not wanted.get("strict"):
        return None
    pending = [wanted["schema"]]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            if node.get("type") == "object":
                if node.get("additionalProperties") is not False:
                    return "strict needs additionalProperties: false"
                if sorted(node.get("required", [])) != sorted(node.get("properties", {})):
                    return "strict needs every property in required"
            pending += list(node.values())
    return None
