"""Spans reach an OTLP collector over real HTTP, named as OpenTelemetry names them, without text."""

import asyncio
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

from desk.tracing import tracing
from labcrew.domain.base import Model
from labcrew.domain.chat import Message, Reply, ToolCall
from labcrew.domain.spending import Bounds
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ModelFailure, SettingsError
from labcrew.judgement import Judge, Judgement
from labcrew.ledger import Ledger
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.settings import TracingSettings
from labcrew.spending import Account
from labcrew.tracing import OFF, Tracer
from tests.doubles.bench import make_bench
from tests.doubles.collector import Collector, collector
from tests.doubles.counted_chat import DoubleChat, says
from tests.tickets import make_assigned
from tools.toolbox import Tool, Toolbox

SECRET = "sk-" + "a1b2c3d4e5f6g7h8i9j0"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class Question(Model):
    text: str


class Answer(Model):
    yes: bool


JUDGEMENT = Judgement[Question, Answer](
    name="coordinator.next_move",
    agent="coordinator",
    answer=Answer,
    rule=lambda _: Answer(yes=False),
    prompt="Say yes or no.",
)


def traced(
    root: Path, endpoint: str | None, double: DoubleChat, environment: dict[str, str] | None = None
) -> list[str]:
    """One question asked under a tracer; answers what was said to the person."""
    said: list[str] = []
    settings = TracingSettings(endpoint=endpoint)

    async def ask(tracer: Tracer) -> None:
        account = Account(ledger, "T-001", root / "held", lambda: Bounds(tokens=10_000), {})
        desk = Desk(account, Recordings(root / "kept", Redaction()), SystemClock(), tracer)
        judge = Judge(models={"default": MeteredChat(double, desk)}, tracer=tracer)
        await judge.ask(JUDGEMENT, Question(text=f"the key is {SECRET}"))

    with (
        Ledger.open(
            f"sqlite:///{root / 'ledger.db'}", anchor=root / "head", clock=SystemClock()
        ) as ledger,
        tracing(settings, Redaction(), said.append, environment or {}) as tracer,
    ):
        asyncio.run(ask(tracer))
    return said


def yes(_: object) -> Reply:
    return says('{"yes": true}', prompt=120, cached=100, completion=7, model="double-2026")


def test_a_question_and_its_call_arrive(tmp_path: Path) -> None:
    with collector() as seen:
        said = traced(tmp_path, seen.endpoint, DoubleChat(yes))
    assert said == []
    (judgement,), (chat,) = seen.named("judgement coordinator.next_move"), seen.named("chat double")
    assert seen.parent_of(chat) == judgement
    assert chat.kind == "SPAN_KIND_CLIENT"
    assert chat.attributes["gen_ai.operation.name"] == "chat"
    assert chat.attributes["gen_ai.request.model"] == "double"
    assert chat.attributes["gen_ai.response.model"] == "double-2026"
    assert chat.attributes["gen_ai.usage.input_tokens"] == 120
    assert chat.attributes["gen_ai.usage.cache_read.input_tokens"] == 100
    assert chat.attributes["gen_ai.usage.output_tokens"] == 7
    assert chat.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert chat.attributes["gen_ai.conversation.id"] == "T-001"
    assert chat.attributes["gen_ai.output.type"] == "json"
    assert judgement.attributes["labcrew.by"] == "model:double-2026"
    assert not chat.failed
    assert seen.resources[0]["service.name"] == "labcrew"


def test_names_are_opentelemetrys(tmp_path: Path) -> None:
    known = {
        value
        for name, value in inspect.getmembers(gen_ai_attributes)
        if name.startswith("GEN_AI_") and isinstance(value, str)
    }
    with collector() as seen:
        traced(tmp_path, seen.endpoint, DoubleChat(yes), {CONTENT: "true"})
    used = {name for span in seen.spans for name in span.attributes}
    assert {name for name in used if name.startswith("gen_ai.")} <= known
    assert all(name.startswith(("gen_ai.", "labcrew.", "server.")) for name in used)


def test_no_text_unless_asked_for_and_no_secret_ever(tmp_path: Path) -> None:
    def leaks(_: object) -> Reply:
        raise ModelFailure(f"the endpoint said: bad key {SECRET}", kind="invalid")

    for number, double in enumerate([DoubleChat(yes), DoubleChat(leaks)]):
        for content in (False, True):
            root = tmp_path / f"{number}{content}"
            root.mkdir()
            with collector() as seen:
                traced(root, seen.endpoint, double, {CONTENT: "true"} if content else {})
            sent = b"".join(seen.raw)
            assert SECRET.encode() not in sent
            assert (b"the key is" in sent) == (content and number == 0)
            assert (b"Say yes or no" in sent) == (content and number == 0)
            if content and number == 0:
                (chat,) = seen.named("chat double")
                asked = json.loads(chat.attributes["gen_ai.input.messages"])
                assert asked[0]["role"] == "user"
                assert "[secret]" in asked[0]["parts"][0]["content"]
                answered = json.loads(chat.attributes["gen_ai.output.messages"])
                assert answered[0]["parts"][0]["content"] == '{"yes": true}'


def test_tool_calls_keep_their_shape(tmp_path: Path) -> None:
    call = ToolCall(id="c1", name="read_file", arguments='{"path": "a.py"}')
    sent = [
        Message(role="assistant", calls=(call,)),
        Message(role="tool", content="x = 1", answers="c1"),
    ]
    with (
        collector() as seen,
        tracing(
            TracingSettings(endpoint=seen.endpoint), Redaction(), print, {CONTENT: "SPAN_ONLY"}
        ) as tracer,
        tracer.span("chat m") as span,
    ):
        span.said(sent, None)
    (chat,) = seen.named("chat m")
    first, second = json.loads(chat.attributes["gen_ai.input.messages"])
    assert first["parts"] == [
        {"type": "tool_call", "id": "c1", "name": "read_file", "arguments": '{"path": "a.py"}'}
    ]
    assert second["parts"] == [{"type": "tool_call_response", "id": "c1", "response": "x = 1"}]


def test_a_failure_is_seen_by_its_kind(tmp_path: Path) -> None:
    def late(_: object) -> Reply:
        raise ModelFailure("no answer within 60 s", kind="timed_out")

    with collector() as seen:
        traced(tmp_path, seen.endpoint, DoubleChat(late))
    chats = seen.named("chat double")
    assert [(c.failed, c.attributes["error.type"]) for c in chats] == [(True, "timed_out")] * 2
    (judgement,) = seen.named("judgement coordinator.next_move")
    assert judgement.attributes["labcrew.by"] == "rule"
    assert not judgement.failed


def test_the_environment_alone_turns_it_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as seen:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", seen.endpoint)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "night-shift")
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": seen.endpoint,
            "OTEL_SERVICE_NAME": "night-shift",
        }
        traced(tmp_path, None, DoubleChat(yes), environment)
    assert seen.named("chat double")
    assert seen.resources[0]["service.name"] == "night-shift"


@pytest.mark.parametrize("environment", [{}, {"OTEL_SDK_DISABLED": "true"}])
def test_off_is_off(environment: dict[str, str]) -> None:
    endpoint = "http://127.0.0.1:1" if environment else None
    with tracing(TracingSettings(endpoint=endpoint), Redaction(), print, environment) as tracer:
        assert tracer is OFF


def test_off_makes_no_spans() -> None:
    begun = OFF.span("x", {"a": 1})
    with begun as span, OFF.span("y", kind="client") as inner:
        span.note({"b": 2})
        span.failed("late")
        assert inner is span
    assert OFF.span("z") is begun
    assert not vars(span)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["refused", "nobody"])
def test_a_collector_that_fails_is_told_of_once_and_holds_nothing_up(
    tmp_path: Path, how: str
) -> None:
    with collector(status=400) as seen:
        endpoint = seen.endpoint if how == "refused" else "http://127.0.0.1:9"
        said = traced(tmp_path, endpoint, DoubleChat(yes))
    assert len(said) == 1
    assert "can't be sent" in said[0]


def test_without_the_packages_settings_are_refused_and_a_variable_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: object) -> Any:
        raise ImportError

    monkeypatch.setattr("desk.tracing._exporter", missing)
    settings, said = TracingSettings(endpoint="http://127.0.0.1:1"), list[str]()
    with pytest.raises(SettingsError), tracing(settings, Redaction(), said.append, {}):
        pass
    there = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    with tracing(TracingSettings(), Redaction(), said.append, there) as tracer:
        assert tracer is OFF
    assert "labcrew[tracing]" in said[0]


class Recall(Model):
    query: str


def use_tool(root: Path, seen: Collector, query: str) -> None:
    def run(call: Recall, _assigned: AssignedTicket, _bench: object) -> str:
        if call.query == "fails":
            raise OSError("what the file said")
        return "done"

    with tracing(TracingSettings(endpoint=seen.endpoint), Redaction(), print, {}) as tracer:
        bench = make_bench(root, tracer=tracer)
        tool = Tool("recall_memory", Recall, run)
        box = Toolbox("coordinator", make_assigned(), bench, "r1/plan")
        try:
            asyncio.run(box.use(tool, Recall(query=query)))
        finally:
            bench.ledger.close()


def test_a_tools_use_arrives_without_its_arguments(tmp_path: Path) -> None:
    with collector() as seen:
        use_tool(tmp_path, seen, "private/place")
    (span,) = seen.named("execute_tool recall_memory")
    assert span.attributes["gen_ai.operation.name"] == "execute_tool"
    assert span.attributes["gen_ai.tool.name"] == "recall_memory"
    assert span.attributes["gen_ai.agent.name"] == "coordinator"
    assert b"private/place" not in b"".join(seen.raw)


def test_a_tool_that_fails_is_seen_to(tmp_path: Path) -> None:
    with collector() as seen, pytest.raises(OSError, match="what the file said"):
        use_tool(tmp_path, seen, "fails")
    (span,) = seen.named("execute_tool recall_memory")
    assert (span.failed, span.attributes["error.type"]) == (True, "OSError")
    assert b"what the file said" not in b"".join(seen.raw)
