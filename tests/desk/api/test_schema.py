"""Every route, asked with anything its description allows and much that it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from desk.web.app import create_app
from desk.wiring import Opened
from labcrew.ticket_file import read_ticket
from tests.desk.evolved import evolved
from tests.desk.records import merge_request, plan_gate, trial
from tests.desk.web.clients import lab_at

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
KNOWN = {
    "/api/v1/tickets/": "T-001",
    "/api/v1/gates/": "T-001-plan-r0.0",
    "/api/v1/trials/": "T-001-001",
    "/api/v1/merge-requests/": "T-001-MR0",
    "/api/v1/evolutions/": "E-001",
}
# A stream has no end; others need the engine, or reach other machines.
LEFT_OUT = ("/events", "/verify", "/preview", "/import")
EXAMPLES = 5


@pytest.fixture
def schema(opened: Opened, toy: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The application with a ticket that has a gate, trials and a merge request."""
    file = toy / "ticket.md"
    opened.office().assign(read_ticket(file), source=str(file), by="ada", beside=toy)
    plan_gate(opened, "T-001")
    for number in (1, 2):
        best = trial(opened, "T-001", number)
    merge_request(opened, opened.ledger.tickets.get("T-001"), best)
    evolved(opened, toy, monkeypatch)
    lab = lab_at(opened)
    app = create_app(lab)
    made = schemathesis.openapi.from_dict(app.openapi())
    made.app = app
    made.config.update(
        base_url="http://127.0.0.1:80",
        headers={"Authorization": f"Bearer {lab.access.add('ada', 'approver')}"},
    )
    return made


def operations(schema: Any) -> Iterator[Any]:
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith(LEFT_OUT) or operation.path.endswith("{id}/events"):
            yield operation


def ask(operation: Any, mode: GenerationMode) -> int:
    """Asks one operation; answers how often."""
    known = next((id for path, id in KNOWN.items() if operation.path.startswith(path)), None)
    asked = 0

    @seed(20)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def one(case: Any, there: bool) -> None:
        nonlocal asked
        if there and known is not None and "id" in case.path_parameters:
            case.path_parameters["id"] = known
        case.call_and_validate(checks=CHECKS)
        asked += 1

    one()
    return asked


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_route_answers_as_it_says(schema: Any, mode: GenerationMode) -> None:
    asked = 0
    for operation in operations(schema):
        # An id may be any text: only the rest of a request can be wrong in itself.
        if mode is GenerationMode.POSITIVE or operation.query or operation.body:
            asked += ask(operation, mode)
    assert asked > 100


def test_every_route_says_what_it_does_and_how_it_refuses(schema: Any) -> None:
    for operation in operations(schema):
        told = operation.definition.raw
        assert told["summary"], operation.path
        assert told["description"].endswith((".", ";")) or told["description"], operation.path
        for status in ("401", "403", "422", "503"):
            assert "application/problem+json" in told["responses"][status]["content"], (
                operation.path,
                status,
            )
