"""Parts that need no endpoint: what was used, what is sent, and wild input to what is read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.models.assembly import Assembly
from desk.models.failures import retry_after
from desk.models.schema_tools import action_schema, as_calls, retold
from desk.models.usage import tokens_used
from desk.models.wire import arguments_of, first_object
from labcrew.domain.chat import Message, Tokens, ToolCall
from labcrew.errors import ModelFailure
from tests.desk.models.scripted import ASKED, FINISH, READ, WORKED
from tests.effort import assert_proportionate

WILD: st.SearchStrategy[Any] = st.sampled_from(
    (
        None, True, 0, -1, 10**20, 1.5, float("nan"), "", "stop", "\ud800", "x" * 300, [], [1],
        ["a"], [{}], [{"text": "t"}], {}, {"a": 1}, {"text": "t"}, {"name": "f"},
    )
)  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "content": WILD,
        "refusal": WILD,
        "tool_calls": WILD
        | st.lists(
            st.fixed_dictionaries(
                {"function": WILD | st.fixed_dictionaries({"name": WILD, "arguments": WILD})},
                optional={"index": WILD, "id": WILD},
            ),
            max_size=4,
        ),
    },
)
CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "choices": WILD
        | st.lists(
            WILD
            | st.fixed_dictionaries(
                {}, optional={"delta": WILD | FIELDS, "message": FIELDS, "finish_reason": WILD}
            ),
            max_size=2,
        ),
        "usage": WILD,
    },
)


@given(st.lists(CHUNKS, max_size=4))
def test_whatever_is_sent_is_taken_or_refused(chunks: list[dict[str, Any]]) -> None:
    heard = Assembly()
    for chunk in chunks:
        try:
            plain = heard.feed(chunk)
        except ModelFailure as failure:
            assert failure.kind in ("unavailable", "invalid")  # noqa: PT017
            return
        assert isinstance(plain, str)
    message = Message(role="assistant", content=heard.text, calls=heard.calls)
    assert len({call.id for call in message.calls}) == len(message.calls)
    message.model_dump_json().encode()
    used = tokens_used(heard.usage, sent_bytes=10, answered=heard.text, max_tokens=10)
    assert 0 <= used.total < 10_000
    assert used.cached <= used.prompt


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 20}, Tokens(prompt=100, completion=20)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 999},
            },
            Tokens(prompt=100, cached=100, completion=20),
        ),
        (None, None),
        ("many", None),
        ({"prompt_tokens": -1, "completion_tokens": 20}, None),
        ({"prompt_tokens": 100, "completion_tokens": True}, None),
        ({"prompt_tokens": 100.5, "completion_tokens": 20}, None),
        ({"prompt_tokens": 0, "completion_tokens": 20}, None),  # 400 bytes were sent
        ({"prompt_tokens": 100, "completion_tokens": 0}, None),  # 80 bytes came back
        ({"prompt_tokens": 10_000, "completion_tokens": 20}, None),
        ({"prompt_tokens": 100, "completion_tokens": 10**12}, None),
        # A model that thinks, and shows nothing of it.
        ({"prompt_tokens": 100, "completion_tokens": 9000}, Tokens(prompt=100, completion=9000)),
    ],
)
def test_numbers_that_cannot_be_true_are_not_believed(said: Any, expected: Tokens | None) -> None:
    used = tokens_used(said, sent_bytes=400, answered="x" * 80, max_tokens=9000)
    assert used == (expected or Tokens(prompt=100, completion=20, estimated=True))


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_what_a_model_thinks_aloud_is_paid_for_and_no_answer(name: str) -> None:
    heard = Assembly()
    heard.feed({"choices": [{"delta": {"role": "assistant"}}]})
    before = heard.told_what_it_cost
    heard.feed({"choices": [{"delta": {name: "hm, " * 100}}]})
    assert (heard.text, heard.thought_bytes) == ("", 400)
    assert (before, heard.told_what_it_cost) == (False, True)
    used = tokens_used(None, sent_bytes=400, answered="", max_tokens=9000, thought_bytes=400)
    assert used == Tokens(prompt=100, completion=100, estimated=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "-1", "retry-after": "9"}, 9),
        ({"retry-after-ms": "nan", "retry-after": "9"}, 9),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, 90),  # by the clock here
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:27:00 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            0,
        ),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], expected: float | None) -> None:
    now = datetime(2026, 10, 21, 7, 27, tzinfo=UTC)
    assert retry_after(headers, lambda: now) == expected


@given(st.text())
def test_arguments_are_sent_back_as_a_table(text: str) -> None:
    assert isinstance(arguments_of(text), dict)


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.text(alphabet="ab \n"))
def test_an_object_is_found_in_prose(value: dict[str, Any], around: str) -> None:
    said = json.dumps(value)
    assert first_object(f"{around}```json\n{said}\n```{around}") == said


@given(st.text())
def test_whatever_is_said_becomes_a_message(text: str) -> None:
    message = as_calls(first_object(text), 3)
    assert message.role == "assistant"
    assert len(message.calls) <= 1


def test_tools_in_another_form_and_back() -> None:
    schema = action_schema((READ, FINISH))
    said = json.dumps({"text": "I look.", "action": {"tool": "read_file", "arguments": {"a": 1}}})
    assert as_calls(said, 7) == Message(
        role="assistant",
        content="I look.",
        calls=(ToolCall(id="call_7", name="read_file", arguments='{"a": 1}'),),
    )
    assert as_calls('{"text": "All done.", "action": null}', 7).calls == ()
    options = schema["properties"]["action"]["anyOf"]
    assert [o.get("properties", {}).get("tool") for o in options] == [
        {"const": "read_file"},
        {"const": "finish"},
        None,
    ]


def test_a_retold_conversation_takes_turns_and_keeps_its_beginning() -> None:
    told = retold(WORKED, (READ, FINISH), in_full=False)
    assert [message.role for message in told] == ["system", "user", "assistant", "user"]
    assert told[0].content.startswith("Be brief.")
    assert "- read_file: Reads a file." in told[0].content
    assert "Result of read_file:\nx = 1" in told[3].content
    assert not any(message.calls for message in told)
    assert retold(ASKED, (READ, FINISH), in_full=False) == told[:2]
    assert "JSON schema" in retold(ASKED, (READ,), in_full=True)[0].content


@pytest.mark.parametrize("piece", ['{"a":', "{", "[", "{}"])
def test_what_is_said_costs_no_more_than_its_length_to_read(piece: str) -> None:
    def read(text: str) -> None:
        as_calls(first_object(text), 1)
        arguments_of(text)

    assert_proportionate(read, lambda size: piece * (size // len(piece)), 800_000)
