"""The conversation stays within bounds, and mostly begins as the last one did."""

from hypothesis import given
from hypothesis import strategies as st

from agents.programming.conversation import border, conversation, summary
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
    messages = conversation("system", "task", turns, 4000)
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
        before = conversation("system", "task", turns[: count - 1], 6000)
        after = conversation("system", "task", turns[:count], 6000)
        jumps += after[: len(before)] != before
    assert jumps <= 10


def test_what_is_old_is_told_in_short_and_notes_are_kept() -> None:
    turns = [turn(0, "Noted.", name="note"), *[turn(n, "z" * 400) for n in range(1, 30)]]
    opening = conversation("system", "task", turns, 3000)[1].content
    assert "What you did before, in short" in opening
    assert '- you noted: {"n": 0}' in opening
    assert "- read_file" in opening
    assert len(summary(turns, 500)) <= 500


def test_a_strategy_may_begin_anew() -> None:
    turns = [turn(0, "a"), turn(1, "b", ask="elsewhere", told="Look elsewhere."), turn(2, "c")]
    assert border(turns[:2], 10_000) == 2
    messages = conversation("system", "task", turns, 10_000)
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
