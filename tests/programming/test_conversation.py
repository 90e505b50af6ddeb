"""The conversation stays within bounds, and mostly begins as the last one did."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.programming.calls import as_text
from agents.programming.conversation import border, conversation, summary
from agents.programming.fitting import shortened
from agents.programming.turns import Outcome, Turn
from labcrew.domain.chat import Message, Tokens, ToolCall


def turn(step: int, text: str, name: str = "read_file", ask: str = "", told: str = "") -> Turn:
    call = ToolCall(id=f"call-{step}-0", name=name, arguments=f'{{"n": {step}}}')
    return Turn(
        step=step,
        reply=Message(role="assistant", content="next", calls=(call,)),
        model="m",
        tokens=Tokens(),
        outcomes=(Outcome(id=call.id, name=name, text=text),),
        ask=ask,
        told=told,
    )


def size(messages: list[Message]) -> int:
    return sum(len(m.content) + sum(len(c.arguments) for c in m.calls) for m in messages)


@given(st.lists(st.integers(0, 900), max_size=60))
def test_it_is_bounded_and_whole(sizes: list[int]) -> None:
    turns = [turn(n, "x" * size) for n, size in enumerate(sizes)]
    messages = conversation("system", "task", turns, 4000, 1000)
    assert size(messages) <= 4000 + 4000 // 3 + 200
    assert messages[0].content == "system"
    assert messages[1].content.startswith("task")
    # Every call that is shown is answered, every answer has its call, in their order.
    called = [call.id for m in messages for call in m.calls]
    answered = [m.answers for m in messages if m.role == "tool"]
    assert called == answered
    if turns:
        assert called[-1] == turns[-1].reply.calls[0].id


def test_most_prompts_begin_as_the_one_before() -> None:
    turns = [turn(n, "y" * 300) for n in range(60)]
    jumps = 0
    for count in range(1, 60):
        before = conversation("system", "task", turns[: count - 1], 6000, 1000)
        after = conversation("system", "task", turns[:count], 6000, 1000)
        jumps += after[: len(before)] != before
    assert jumps <= 10


def test_what_is_old_is_told_in_short_and_notes_are_kept() -> None:
    turns = [turn(0, "Noted.", name="note"), *[turn(n, "z" * 400) for n in range(1, 30)]]
    opening = conversation("system", "task", turns, 3000, 1000)[1].content
    assert "What you did before, in short" in opening
    assert '- you noted: {"n": 0}' in opening
    assert "- read_file" in opening
    assert len(summary(turns, 500)) <= 500


def test_many_steps_alike_are_told_in_short_too() -> None:
    turns = [turn(0, "z" * 100) for _ in range(60)]
    assert 300 < len(summary(turns, 500)) <= 500


def test_a_strategy_may_begin_anew() -> None:
    turns = [turn(0, "a"), turn(1, "b", ask="elsewhere", told="Look elsewhere."), turn(2, "c")]
    assert border(turns[:2], 10_000) == 2
    messages = conversation("system", "task", turns, 10_000, 1000)
    assert [m.role for m in messages] == ["system", "user", "assistant", "tool"]
    assert "Look elsewhere." in messages[1].content
    turns[1] = turn(1, "b", ask="rethink", told="Think.")
    assert border(turns, 10_000) == 0


def test_a_turn_with_other_words_says_them() -> None:
    first = turn(0, "a")
    assert (first.characters, first.lines) == (first.characters, first.lines)
    other = first.but(told="Look elsewhere.", ask="elsewhere")
    assert other.messages[-1].content == "Look elsewhere."
    assert other.characters == first.characters + len("Look elsewhere.")
    assert other.lines[-1] == "- you were told: Look elsewhere."
    assert other.step == first.step


def huge(step: int, sizes: list[tuple[int, int]], said: int) -> Turn:
    """A turn with a call for each pair of sizes: of its arguments, and of what came of it."""
    calls = tuple(
        ToolCall(
            id=f"call-{step}-{n}",
            name="write_file",
            arguments=json.dumps({"path": "data.py", "text": 'a\n"é' * (asked // 4)}),
        )
        for n, (asked, _) in enumerate(sizes)
    )
    return Turn(
        step=step,
        reply=Message(role="assistant", content="w" * said, calls=calls),
        model="m",
        tokens=Tokens(),
        outcomes=tuple(
            Outcome(id=call.id, name=call.name, text="y" * came)
            for call, (_, came) in zip(calls, sizes, strict=True)
        ),
    )


SIZES = st.integers(0, 300) | st.integers(0, 500_000)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.tuples(SIZES, st.integers(0, 6000)), max_size=8), SIZES), max_size=4
    ),
    st.integers(12_000, 60_000),
)
def test_huge_arguments_and_replies_keep_it_bounded(
    shapes: list[tuple[list[tuple[int, int]], int]], room: int
) -> None:
    turns = [huge(step, sizes, said) for step, (sizes, said) in enumerate(shapes)]
    for characters in (room, room // 3):  # as it is asked, and again for one that is too long
        messages = conversation("system", "task", turns, characters, 6000)
        assert size(messages) <= characters + characters // 3 + 200
        called = [call for message in messages for call in message.calls]
        assert [c.id for c in called] == [m.answers for m in messages if m.role == "tool"]
        newest = [call.id for turn in turns[-1:] for call in turn.reply.calls]
        assert [call.id for call in called][-len(newest) :] == newest or not newest
        for call in called:
            assert len(call.arguments) <= 6000
            assert isinstance(json.loads(call.arguments), dict)


def test_what_was_cut_says_so_and_how_long_it_was() -> None:
    text = "x = 1\n" * 50_000
    turns = [turn(0, "fine"), huge(1, [(0, 10)], 0)]
    long = ToolCall(
        id="call-1-0", name="write_file", arguments=json.dumps({"path": "data.py", "text": text})
    )
    turns[1] = turns[1].but(reply=Message(role="assistant", calls=(long,)))
    shown = conversation("system", "task", turns, 60_000, 6000)
    assert shown[2].calls[0] == turns[0].reply.calls[0], "what is short stays"
    [call] = shown[4].calls
    read = json.loads(call.arguments)
    assert read["path"] == "data.py"
    assert read["text"].startswith("x = 1\nx = 1\n")
    assert read["text"].endswith("… [cut to be shown again: it was 300000 characters long]")
    assert 2000 < len(call.arguments) <= 6000
    assert turns[1].reply.calls[0].arguments == long.arguments, "the turn itself is whole"
    by_schema = json.loads(as_text(shown[4]).content)
    assert by_schema["action"]["arguments"] == read


WRITTEN = st.text(max_size=40).flatmap(
    lambda text: st.integers(1, 400).map(lambda times: text * times)
)


@settings(deadline=None)
@given(
    st.one_of(
        WRITTEN,
        st.dictionaries(st.text(max_size=9), WRITTEN | st.lists(WRITTEN, max_size=3)).map(
            json.dumps
        ),
        WRITTEN.map(lambda text: "[" * len(text)),
    ),
    st.integers(200, 3000),
)
def test_arguments_of_any_shape_become_short_json(arguments: str, most: int) -> None:
    cut = shortened(arguments, most)
    if len(arguments) <= most:
        assert cut == arguments
    else:
        assert len(cut) <= most
        assert "cut to be shown again" in cut
        assert isinstance(json.loads(cut), dict)
        cut.encode()
