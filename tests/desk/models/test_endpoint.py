"""One endpoint over HTTP: what is sent, what comes back, and what the call used."""

import asyncio
import gc
import json
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from desk.models import EndpointChat
from desk.models.endpoint import _listen
from evals.endpoint import Calls, Endpoint, Raw, Refuses, Reply, Says, Status, Streams, endpoint
from labcrew.domain.chat import Manner, Message
from labcrew.errors import ModelFailure, SettingsError
from labcrew.settings import ModelSettings
from tests.desk.models.scripted import (
    ASKED,
    FINISH,
    KEY,
    READ,
    WORKED,
    Move,
    Proposal,
    settings,
)

GOOD = Says({"to": "plan", "because": "it is time"})


async def _failure(reply: Reply, **changes: Any) -> tuple[ModelFailure, Endpoint]:
    with endpoint(reply) as served, pytest.raises(ModelFailure) as caught:
        await EndpointChat(settings(served.base_url, **changes)).reply(ASKED, schema=Move)
    assert KEY not in str(caught.value)
    return caught.value, served


@pytest.mark.parametrize("stream", [True, False])
async def test_a_structured_answer(stream: bool) -> None:
    with endpoint(GOOD) as served:
        chat = EndpointChat(settings(served.base_url, stream=stream, max_tokens=300))
        reply = await chat.reply(ASKED, schema=Move)
    assert json.loads(reply.message.content) == {"to": "plan", "because": "it is time"}
    assert (reply.model, reply.finish) == ("test-model", "stop")
    assert reply.tokens.prompt > 50
    assert reply.tokens.cached == reply.tokens.prompt // 2
    assert 5 < reply.tokens.completion < 50
    assert not reply.tokens.estimated
    (request,) = served.requests
    assert request["model"] == "test-model"
    assert request.get("stream", False) is stream
    assert [m["role"] for m in request["messages"]] == ["system", "user"]
    assert request["response_format"]["json_schema"]["strict"] is True
    assert request["max_completion_tokens"] == 300
    assert "temperature" not in request
    assert served.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("stream", [True, False])
async def test_tool_calls(stream: bool) -> None:
    said = Calls((("read_file", {"path": "a.py"}), ("finish", "{oops")), content="I look.")
    with endpoint(said) as served:
        chat = EndpointChat(settings(served.base_url, stream=stream))
        reply = await chat.reply(WORKED, tools=(READ, FINISH))
    assert reply.message.content == "I look."
    first, second = reply.message.calls
    assert (first.name, json.loads(first.arguments)) == ("read_file", {"path": "a.py"})
    assert (second.name, second.arguments) == ("finish", "{oops")
    (request,) = served.requests
    assert [tool["function"]["name"] for tool in request["tools"]] == ["read_file", "finish"]
    assert request["tools"][0]["function"]["parameters"] == READ.parameters
    assert [m["role"] for m in request["messages"][2:]] == ["assistant", "tool", "tool"]
    calls = request["messages"][2]["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"]) == {"path": "x.py"}
    assert json.loads(calls[1]["function"]["arguments"]) == {"unreadable": "{oops"}


async def test_ids_of_calls_are_their_own_and_the_same_each_time() -> None:
    with endpoint(Calls((("a", {}), ("a", {"x": 1}), ("b", {})), ids=("same", "same", ""))) as s:
        chat = EndpointChat(settings(s.base_url))
        made = [(await chat.reply(ASKED, tools=(READ,))).message.calls for _ in range(2)]
    assert made[0] == made[1]
    assert len({call.id for call in made[0]}) == 3


async def test_calls_without_an_index_or_with_a_table_for_arguments() -> None:
    """As some endpoints send them."""
    deltas = [
        {"tool_calls": [{"id": "x", "function": {"name": "read_file", "arguments": '{"pa'}}]},
        {"tool_calls": [{"function": {"arguments": 'th": "a"}'}}]},
        {"tool_calls": [{"id": "y", "function": {"name": "finish", "arguments": {"a": 1}}}]},
    ]
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    events.append({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    with endpoint(Streams(tuple(events))) as served:
        reply = await EndpointChat(settings(served.base_url)).reply(ASKED, tools=(READ,))
    first, second = reply.message.calls
    assert (first.id, first.arguments) == ("x", '{"path": "a"}')
    assert (second.id, second.arguments) == ("y", '{"a": 1}')


async def test_tables_with_free_keys_are_asked_for_without_strict() -> None:
    with endpoint(Says({"values": {"lr": 0.1}})) as served:
        await EndpointChat(settings(served.base_url)).reply(ASKED, schema=Proposal)
    assert not served.requests[0]["response_format"]["json_schema"]["strict"]


async def test_more_of_the_body_and_another_name_for_the_limit() -> None:
    with endpoint(GOOD) as served:
        chat = EndpointChat(
            settings(
                served.base_url,
                options={"reasoning_effort": "low"},
                max_tokens_name="max_tokens",
                temperature=0,
            )
        )
        await chat.reply(ASKED)
        await chat.in_manner(Manner(temperature=0.8, seed=7)).reply(ASKED)
    first, second = served.requests
    assert (first["reasoning_effort"], first["max_tokens"]) == ("low", 1024)
    assert "max_completion_tokens" not in first
    assert (first["temperature"], second["temperature"]) == (0, 0.8)
    assert (second["seed"], second["reasoning_effort"]) == (7, "low")


async def test_an_answer_ends_where_the_manner_says() -> None:
    with endpoint(GOOD) as served:
        chat = EndpointChat(settings(served.base_url, max_tokens=50))
        for most in (20, 70):
            manner = Manner(most_tokens=most, stop=("\n```\n",), begin="```\n")
            await chat.in_manner(manner).reply(ASKED)
        await chat.reply(ASKED)
    limits = [request["max_completion_tokens"] for request in served.requests]
    assert limits == [20, 50, 50]
    # Not every endpoint goes on from what it is said to have said.
    assert len({len(request["messages"]) for request in served.requests}) == 1
    assert [request.get("stop") for request in served.requests] == [["\n```\n"]] * 2 + [None]


@pytest.mark.parametrize("structured", ["json_object", "text"])
async def test_an_endpoint_without_json_schema_is_told_in_words(structured: str) -> None:
    said = Says('<think>{"to": "?"}</think>Sure:\n```json\n{"to": "plan", "because": ""}\n```')
    with endpoint(said) as served:
        chat = EndpointChat(settings(served.base_url, structured=structured))
        reply = await chat.reply(ASKED, schema=Move)
        await chat.reply((*ASKED, reply.message, ASKED[1]), schema=Move)
    assert json.loads(reply.message.content) == {"to": "plan", "because": ""}
    first, second = served.requests
    assert ("response_format" in first) == (structured == "json_object")
    assert "JSON schema" in first["messages"][0]["content"]
    assert second["messages"][:2] == first["messages"]


async def test_azure() -> None:
    with endpoint(GOOD) as served:
        azure = settings(served.azure_url, provider="azure", model="my-gpt", max_tokens=77)
        reply = await EndpointChat(azure).reply(ASKED, schema=Move)
    assert "plan" in reply.message.content
    assert served.paths == ["/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21"]
    assert served.keys == [KEY]
    assert served.requests[0]["max_completion_tokens"] == 77


async def test_one_model_serves_several_event_loops_at_once() -> None:
    with endpoint(GOOD) as served:
        chat = EndpointChat(settings(served.base_url))

        def ask() -> str:
            return asyncio.run(chat.reply(ASKED, schema=Move)).message.content

        said = await asyncio.gather(*(asyncio.to_thread(ask) for _ in range(6)))
    assert {json.loads(text)["to"] for text in said} == {"plan"}


async def test_answers_at_once_do_not_mix() -> None:
    with endpoint(answers=lambda body: Says({"to": body["messages"][-1]["content"]})) as served:
        chat = EndpointChat(settings(served.base_url))
        asked = [(ASKED[0], Message(role="user", content=str(n))) for n in range(20)]
        replies = await asyncio.gather(*(chat.reply(messages) for messages in asked))
    assert [json.loads(r.message.content)["to"] for r in replies] == [str(n) for n in range(20)]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Says('{"to": "pl', finish_reason="length"), "cut off at max_tokens (1024)"),
        (Refuses(), "the model refused to answer"),
        (Status(401, message=f"Incorrect API key provided: {KEY}"), "answered 401"),
        (Status(400, message=f"Bad parameter for {KEY}"), "request was refused (Bad parameter"),
        (Status(404), "answered 404: it does not know the model test-model"),
        (Status(429), "answered 429: it is overloaded"),
        (Raw(b"", 301, headers=(("Location", "/"),)), "it sends elsewhere"),
        (Raw(b"<p>", content_type="text/html"), "it is text/html"),
        (Raw(json.dumps({"choices": []}).encode()), "it is application/json"),
    ],
)
async def test_reasons_are_short_and_hold_no_key(reply: Reply, said: str) -> None:
    failure, served = await _failure(reply)
    assert said in failure.message
    assert len(failure.message) < 310
    assert len(served.requests) == 1


@pytest.mark.parametrize("times", [1, 2])
async def test_a_call_that_is_cancelled_ends_as_that(times: int) -> None:
    with endpoint(Streams((), "hang")) as served:
        asked = asyncio.create_task(EndpointChat(settings(served.base_url)).reply(ASKED))
        while not served.requests:
            await asyncio.sleep(0.01)
        for _ in range(times):
            asked.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await asked


async def test_a_stream_that_was_left_is_over() -> None:
    ended = []

    async def silent() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    with pytest.raises(ModelFailure, match="stopped for more than"):
        await _listen(silent(), 60, 0.01)
    assert ended == [True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library's
def test_a_call_whose_loop_is_dropped_is_no_failure_of_the_endpoint() -> None:
    loop = asyncio.new_event_loop()
    with endpoint(Streams((), "hang")) as served:
        call = EndpointChat(settings(served.base_url)).reply(ASKED)
        task = loop.create_task(call)
        while not served.requests:
            loop.run_until_complete(asyncio.sleep(0.01))
        loop.run_until_complete(asyncio.sleep(0.1))
        call.close()
        loop.close()
    del call, task, loop
    gc.collect()


async def test_an_answer_that_failed_was_paid_for_all_the_same() -> None:
    failure, _ = await _failure(Says('{"to": "pl', finish_reason="length"))
    assert failure.tokens is not None
    assert failure.tokens.completion > 1
    assert not failure.tokens.estimated
    failure, _ = await _failure(Streams(({"choices": [{"delta": {"content": "a" * 400}}]},), "end"))
    assert failure.tokens is not None
    assert failure.tokens.estimated
    assert failure.tokens.completion == 100
    failure, _ = await _failure(Status(500))
    assert failure.tokens is None


async def test_the_key_follows_no_redirect() -> None:
    with endpoint(GOOD) as other:
        there = (("Location", f"{other.base_url}/chat/completions"),)
        for status in (301, 302, 307, 308):
            failure, _ = await _failure(Raw(b"", status, headers=there))
            assert failure.kind == "unavailable"
        assert other.requests == []


async def test_a_response_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.models.http.MOST_BYTES", 1 << 20)
    failure, _ = await _failure(Streams((b"data: " + b"x" * 65536, b"x" * 65536), "again"))
    assert "more than 1 MB" in failure.message


async def test_an_endpoint_that_refuses_tools_is_asked_in_another_way_from_then_on() -> None:
    def answers(body: dict[str, Any]) -> Reply:
        if "tools" in body:
            return Status(400, message="tools are not supported by this model")
        action = {"tool": "read_file", "arguments": {"path": "a.py"}}
        return Says({"text": "I look.", "action": action})

    with endpoint(answers=answers) as served:
        chat = EndpointChat(settings(served.base_url))
        before = chat.native_tools
        replies = [await chat.reply(WORKED, tools=(READ,)) for _ in range(2)]
        assert (before, chat.native_tools) == (True, False)
    assert ["tools" in request for request in served.requests] == [True, False, False]
    for reply in replies:
        assert reply.message.content == "I look."
        assert reply.message.calls[0].name == "read_file"
    with endpoint(answers=answers) as served:
        native = EndpointChat(settings(served.base_url, tools="native"))
        with pytest.raises(ModelFailure, match="tools are not supported"):
            await native.reply(WORKED, tools=(READ,))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (400, "'auto' tool choice requires --enable-auto-tool-choice"),
        (404, "No endpoints found that support tool use."),
        (422, "tools: Extra inputs are not permitted"),
        (500, "tools param requires --jinja flag"),
        (500, "Unsupported param: tools"),
        (501, "Tools are not implemented"),
    ],
)
async def test_the_words_in_which_endpoints_refuse_tools(code: int, message: str) -> None:
    with endpoint(Status(code, message=message), Says({"text": "No.", "action": None})) as served:
        chat = EndpointChat(settings(served.base_url))
        reply = await chat.reply(WORKED, tools=(READ,))
    assert reply.message.content == "No."
    assert not chat.native_tools


@pytest.mark.parametrize(
    "reply",
    [
        Calls((("read_file", {}),) * 100),
        Calls((("read_file", "x" * 1_000_001),)),
        Streams(({"choices": [{"delta": {"tool_calls": "read_file"}}]},)),
        Streams(({"choices": [{"delta": {"tool_calls": [{"function": "read_file"}]}}]},)),
        Streams(({"error": {"message": "the tool parser crashed"}},)),
        Status(400, message="Failed to call a function.", error_code="tool_use_failed"),
        Status(400, message="maximum context length is 10 tokens, tools included"),
        Status(404, message="The model test-model-tool does not exist"),
        Status(429, message="too many tool calls a minute"),
        Status(500, message="Failed to parse tool call parameters as JSON"),
        Status(503, message="the tool server restarts"),
    ],
)
async def test_one_bad_reply_is_no_refusal_of_tools(reply: Reply) -> None:
    with endpoint(reply, Calls((("read_file", {"path": "a.py"}),))) as served:
        chat = EndpointChat(settings(served.base_url, model="test-model-tool"))
        with pytest.raises(ModelFailure):
            await chat.reply(WORKED, tools=(READ,))
        assert len(served.requests) == 1
        again = await chat.reply(WORKED, tools=(READ,))
    assert again.message.calls[0].arguments == '{"path": "a.py"}'
    assert all("tools" in request for request in served.requests)


async def test_the_library_warns_nobody() -> None:
    refused = "'response_format' of type 'json_schema' is not supported with this model"
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        failure, _ = await _failure(Status(400, message=refused))
    assert failure.kind == "invalid"
    assert heard == []


def test_keys_stay_with_their_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="has no key"):
        EndpointChat(ModelSettings(model="gpt-x"))
    with pytest.raises(SettingsError, match="has no key"):
        EndpointChat(ModelSettings(model="d", provider="azure", base_url="https://x"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    EndpointChat(ModelSettings(model="gpt-x"))


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
async def test_an_address_of_the_environment_is_not_asked(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(variable, "http://gateway.example/v1")
    chat = EndpointChat(ModelSettings(model="gpt-x"))
    client = await chat.openai_client()
    assert (client.base_url.host, chat.address) == ("api.openai.com", "api.openai.com")


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
async def test_a_question_to_this_machine_passes_no_proxy(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with endpoint(GOOD) as served, endpoint(Status(403)) as proxy:
        monkeypatch.setenv(variable, proxy.base_url.removesuffix("/v1"))
        await EndpointChat(settings(served.base_url)).reply(ASKED, schema=Move)
        by_name = served.base_url.replace("127.0.0.1", "localhost")
        await EndpointChat(settings(by_name)).reply(ASKED, schema=Move)
    assert (len(served.requests), proxy.requests) == (2, [])


async def test_a_question_to_another_machine_passes_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with endpoint(GOOD) as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        await EndpointChat(settings("http://models.lab.example/v1")).reply(ASKED, schema=Move)
    assert proxy.paths == ["http://models.lab.example/v1/chat/completions"]


async def test_a_key_of_the_environment_is_not_sent_to_another_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with endpoint(GOOD) as served:
        chat = EndpointChat(ModelSettings(model="m", base_url=served.base_url))
        await chat.reply(ASKED, schema=Move)
    assert served.keys == ["Bearer none"]
