"""The REST API's operations as tools, read off its own description."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fastapi import FastAPI

from desk import api
from desk.web.access import ROLES, Role
from labcrew.domain.base import Model

_TAGS = frozenset({"tickets", "trials", "research", "gates", "merge requests", "lab"})
_ENDS = frozenset({"decide", "finish_merge", "stop"})
_APPROVERS = frozenset({"decide", "finish_merge"})
_PICTURES = frozenset({"get_plot"})
_REFERENCE = "#/components/schemas/"
_PLACES = ("path", "query")


class Offer(Model):
    """One operation of the API as a tool.

    Args:
        places: argument → where the API takes it; the others make the body.
        ends: what it does can't be taken back.
    """

    name: str
    description: str
    method: Literal["GET", "POST", "PATCH"]
    path: str
    schema_: dict[str, Any]
    places: dict[str, Literal["path", "query"]]
    has_body: bool
    role: Role
    ends: bool

    @property
    def reads(self) -> bool:
        return self.method == "GET" or self.role == "viewer"


def offers(role: Role) -> tuple[Offer, ...]:
    """What somebody of a role may use."""
    return tuple(offer for offer in _all() if ROLES.index(offer.role) <= ROLES.index(role))


def _all() -> Iterator[Offer]:
    described = FastAPI(title="labcrew", version="1")
    for router in api.ROUTERS:
        described.include_router(router)
    told = described.openapi()
    schemas = told["components"]["schemas"]
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            if not _TAGS.intersection(operation.get("tags", ())):
                continue
            name = _name(operation)
            if name not in _PICTURES:
                yield _offer(name, method.upper(), path, operation, schemas)


def _name(operation: Mapping[str, Any]) -> str:
    """A function's name, from its summary: that is how FastAPI makes summaries."""
    return str(operation["summary"]).lower().replace(" ", "_")


def _offer(
    name: str, method: Any, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> Offer:
    properties: dict[str, Any] = {}
    required: list[str] = []
    places: dict[str, Any] = {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] not in _PLACES:
            continue
        known = parameter["name"]
        places[known] = parameter["in"]
        properties[known] = {
            **parameter["schema"],
            "description": parameter.get("description", ""),
        }
        if parameter.get("required"):
            required.append(known)
    body = operation.get("requestBody")
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        whole = schemas[schema["$ref"].removeprefix(_REFERENCE)]
        properties |= whole["properties"]
        required += whole.get("required", ())
    found: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    definitions = _reached(found, schemas)
    if definitions:
        found["$defs"] = definitions
    role: Role = "viewer" if method == "GET" or name == "check" else "researcher"
    return Offer(
        name=name,
        description=operation["description"],
        method=method,
        path=path,
        schema_=json.loads(json.dumps(found).replace(_REFERENCE, "#/$defs/")),
        places=places,
        has_body=body is not None,
        role="approver" if name in _APPROVERS else role,
        ends=name in _ENDS,
    )


def _reached(schema: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The definitions that a schema needs."""
    found: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).removeprefix(_REFERENCE)
            if name in schemas and name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found
