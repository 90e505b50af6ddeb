"""A ticket whose agents ask a real endpoint: accounts, records, spans, rules at the budget's end,
and its decisions again from the records.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from desk.models import build_judge
from desk.replay import replay
from desk.tracing import tracing
from evals.endpoint import Endpoint, Reply, Says, endpoint
from graphs.crew import Crew
from graphs.worker import Worker
from labcrew.domain.spending import Price
from labcrew.redaction import Redaction
from labcrew.settings import ModelSettings, Settings, TracingSettings
from labcrew.spending import spent_by, total
from tests.doubles.collector import Collector, collector
from tests.doubles.embedder import WordEmbedder
from tests.graphs.tiny import REPORTED, Lab

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {"seeds": [0]}


def chooses(body: dict[str, Any]) -> Reply:
    """A model that takes the last legal move, and else says what no judgement takes."""
    asked = json.loads(body["messages"][1]["content"])
    if "legal" in asked:
        return Says({"move": asked["legal"][-1], "because": "it is legal"})
    return Says({"nothing": True})


@contextmanager
def at_an_endpoint(lab: Lab) -> Iterator[tuple[Endpoint, Collector, Worker]]:
    """A worker whose crew asks a scripted server, and tells a collector."""
    with endpoint(answers=chooses) as served, collector() as seen:
        model = ModelSettings(model="big", base_url=served.base_url, retries=0, stream=False)
        settings: Settings = lab.office.settings.model_copy(
            update={
                "models": {"default": model},
                "prices": {"big": Price(prompt=1.0, completion=2.0)},
            }
        )
        spans = TracingSettings(endpoint=seen.endpoint)
        with tracing(spans, Redaction(), print, {}) as tracer:
            bench = replace(lab.parts.bench, tracer=tracer)
            crew = Crew.of(build_judge(settings), WordEmbedder())
            yield served, seen, Worker(crew, bench, settings, holder="test", assume_yes=True)


async def test_a_ticket_is_accounted_for_and_comes_out_again(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, budget={"trials": 2})
    with at_an_endpoint(lab) as (served, seen, worker):
        async with worker:
            done = await worker.advance(assigned.id)
    assert done.status == "done", done.outcome
    calls = lab.ledger.model_calls.of(assigned.id)
    assert len(calls) == len(served.requests) > 2
    assert {call.agent for call in calls} >= {"coordinator"}
    assert all(call.usd is not None for call in calls)
    assert total(spent_by(calls)).usd > 0
    names = {span.name for span in seen.spans}
    assert {"invoke_workflow ticket", "invoke_agent coordinator", "chat big"} <= names
    assert any(name.startswith("judgement coordinator.") for name in names)
    assert any(name.startswith("execute_tool ") for name in names)
    (whole,) = seen.named("invoke_workflow ticket")
    for chat in seen.named("chat big"):
        above, up = chat, []
        while (parent := seen.parent_of(above)) is not None:
            above = parent
            up.append(above.name.split()[0])
        assert above == whole
        assert up == ["judgement", "invoke_agent", "invoke_workflow"]
    before = lab.ledger.events.count()
    again = await asyncio.to_thread(replay, lab.office.home, lab.ledger, assigned.id)
    assert again.difference is None, again.difference
    assert again.left_out == ()
    assert (again.calls, again.decisions > 1) == (len(calls), True)
    assert lab.ledger.events.count() == before
    assert lab.ledger.verify() == []


async def test_at_the_budgets_end_rules_go_on(lab: Lab) -> None:
    assigned = lab.assign(**_SHORT, budget={"trials": 2, "model_tokens": 4000})
    with at_an_endpoint(lab) as (_served, _seen, worker):
        async with worker:
            done = await worker.advance(assigned.id)
    assert done.status == "done", done.outcome
    used = total(spent_by(lab.ledger.model_calls.of(assigned.id))).tokens.total
    assert used <= 4000
    assert "spending.exhausted" in lab.kinds(assigned.id)
    fallbacks = [
        event.data["fallbacks"]
        for event in lab.ledger.events.of(assigned.id)
        if event.kind == "judgement.answered" and event.data["by"] == "rule"
    ]
    assert any("model_tokens allows 4,000" in said for each in fallbacks for said in each)
