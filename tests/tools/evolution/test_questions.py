"""Lines of a candidate as questions, whatever they hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.chat import FailureKind, Tokens
from labcrew.domain.evolution import ModelAnswer, ModelRequest
from labcrew.domain.evolution_spec import ModelAllowance
from labcrew.errors import ModelFailure
from tests.tools.evolution.lab import Parrot
from tools.evolution.questions import OverAllowance, Questions, Unanswered

WILD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


def questions(parrot: Parrot, calls: int = 5, tokens: int = 1000) -> Questions:
    return Questions(parrot, ModelAllowance(calls=calls, tokens=tokens), 7)


def line(text: str = "hi", **more: Any) -> str:
    return json.dumps({"model": {"messages": [{"role": "user", "content": text}], **more}})


@given(st.text(max_size=200) | st.builds(lambda value: json.dumps({"model": value}), WILD))
def test_any_line_is_plain_output_or_told_what_is_wrong(said: str) -> None:
    parrot = Parrot()
    answer = questions(parrot)(said)
    assert answer is None or set(json.loads(answer)) == {"error"}
    assert parrot.asked == []


@given(st.text(max_size=50), st.integers(0, 1000), st.floats(0, 2))
def test_a_question_is_answered_in_one_line(text: str, sample: int, temperature: float) -> None:
    parrot = Parrot()
    answer = questions(parrot)(line(text, sample=sample, temperature=temperature))
    assert answer is not None
    assert "\n" not in answer
    assert json.loads(answer) == {"text": f"{text}!"}
    assert parrot.asked[0][0].sample == sample


@pytest.mark.parametrize("said", [line("\ud83d"), line("hi", stop=["\ud83d"])])
def test_half_a_character_is_told_to_the_program(said: str) -> None:
    parrot = Parrot()
    assert "half a character" in str(questions(parrot)(said))
    assert parrot.asked == []


def test_each_call_counts_and_none_beyond_is_asked() -> None:
    parrot = Parrot()
    asking = questions(parrot, calls=2)
    for _ in range(2):
        asking(line())
    with pytest.raises(OverAllowance, match="more than 2 times"):
        asking(line())
    assert (len(parrot.asked), asking.calls, asking.tokens) == (2, 2, 30)


@pytest.mark.parametrize(
    ("calls", "tokens", "cap_mb"), [(1, 1, 5), (40, 100_000, 7), (1000, 1_000_000, 31)]
)
def test_a_run_may_print_all_that_it_may_ask(calls: int, tokens: int, cap_mb: int) -> None:
    assert questions(Parrot(), calls, tokens).cap_mb == cap_mb


def test_cached_answers_count_as_others() -> None:
    def known(request: ModelRequest, seed: int) -> ModelAnswer:
        return ModelAnswer(
            text="x", prompt_tokens=4, completion_tokens=2, seconds=1.5, usd=0.02, cached=True
        )

    asking = questions(Parrot(known))
    asking(line())
    assert (asking.calls, asking.tokens, asking.seconds, asking.usd) == (1, 6, 1.5, 0.02)


def test_what_is_surely_over_is_not_asked() -> None:
    parrot = Parrot()
    with pytest.raises(OverAllowance, match="more than the 10 tokens"):
        questions(parrot, tokens=10)(line("x" * 161))
    assert parrot.asked == []


@pytest.mark.parametrize("kind", ["too_long", "refused", "invalid"])
def test_the_programs_own_fault_is_told_to_it(kind: Any) -> None:
    def fails(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("no", kind=kind)

    assert questions(Parrot(fails))(line()) == '{"error": "no"}'


@pytest.mark.parametrize("kind", ["refused", "invalid"])
def test_what_the_programs_own_fault_used_is_the_runs(kind: Any) -> None:
    def fails(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("no", kind=kind, tokens=Tokens(prompt=20, completion=400), usd=0.25)

    asking = questions(Parrot(fails))
    for _ in range(2):
        assert asking(line()) == '{"error": "no"}'
    assert (asking.tokens, asking.lost_tokens, asking.usd) == (840, 0, 0.5)
    with pytest.raises(OverAllowance, match="more than 1000"):
        asking(line())


@pytest.mark.parametrize("kind", ["unavailable", "timed_out", "rate_limited", "unauthorised"])
def test_the_models_own_fault_is_not(kind: Any) -> None:
    def fails(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("no", kind=kind)

    with pytest.raises(ModelFailure):
        questions(Parrot(fails))(line())


def test_no_answer_may_be_longer_than_what_is_left() -> None:
    parrot = Parrot()
    asking = questions(parrot, tokens=100)
    asking(line(max_tokens=90))
    asking(line(max_tokens=90))
    assert [request.max_tokens for request, _ in parrot.asked] == [90, 85]


def test_nothing_is_asked_when_nothing_is_left() -> None:
    parrot = Parrot()
    asking = questions(parrot, tokens=15)
    asking(line())
    with pytest.raises(OverAllowance, match="more than the 0 tokens"):
        asking(line(""))
    assert len(parrot.asked) == 1


def test_a_question_that_times_out_while_others_are_answered_fails_its_run() -> None:
    def slow(request: ModelRequest, seed: int) -> ModelAnswer:
        if request.max_tokens > 1:
            used = Tokens(prompt=4, completion=900)
            raise ModelFailure("late", kind="timed_out", tokens=used, usd=0.5)
        return ModelAnswer(text="x", prompt_tokens=4, completion_tokens=1, seconds=0, usd=0.01)

    parrot = Parrot(slow)
    asking = questions(parrot)
    with pytest.raises(Unanswered, match="not answered in time, twice"):
        asking(line(max_tokens=900))
    assert [request.max_tokens for request, _ in parrot.asked] == [900, 1, 900]
    assert (asking.tokens, asking.lost_tokens, asking.usd) == (0, 904 + 5 + 904, 1.01)


def test_a_question_at_which_the_endpoint_fails_while_it_answers_others_is_told_so() -> None:
    def fails(request: ModelRequest, seed: int) -> ModelAnswer:
        if request.max_tokens > 1:
            used = Tokens(prompt=4, completion=6)
            said = "the endpoint answered 500: it failed"
            raise ModelFailure(said, kind="unavailable", tokens=used, usd=0.25)
        return ModelAnswer(text="x", prompt_tokens=4, completion_tokens=1, seconds=0, usd=0.01)

    parrot = Parrot(fails)
    asking = questions(parrot)
    assert asking(line(max_tokens=900)) == '{"error": "the endpoint answered 500: it failed"}'
    assert [request.max_tokens for request, _ in parrot.asked] == [900, 1, 900]
    assert (asking.calls, asking.tokens, asking.lost_tokens, asking.usd) == (1, 10, 15, 0.51)


@pytest.mark.parametrize("kind", ["timed_out", "unavailable"])
def test_an_endpoint_that_is_away_is_asked_no_second_time(kind: Any) -> None:
    def away(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("no", kind=kind)

    parrot = Parrot(away)
    with pytest.raises(ModelFailure) as caught:
        questions(parrot)(line(max_tokens=900))
    assert caught.value.kind == kind
    assert [request.max_tokens for request, _ in parrot.asked] == [900, 1]


@pytest.mark.parametrize("kind", ["timed_out", "unavailable"])
def test_a_question_that_fails_once_is_asked_again(kind: Any) -> None:
    asked = []

    def fails_once(request: ModelRequest, seed: int) -> ModelAnswer:
        asked.append(request)
        if len(asked) < 3:
            told: FailureKind = kind if len(asked) == 1 else "refused"
            raise ModelFailure("no", kind=told, tokens=Tokens(completion=700), usd=0.25)
        return ModelAnswer(text="x", prompt_tokens=4, completion_tokens=1, seconds=0)

    asking = questions(Parrot(fails_once))
    assert asking(line()) == '{"text": "x"}'
    assert (len(asked), asking.calls, asking.tokens) == (3, 1, 5)
    assert (asking.lost_tokens, asking.usd) == (1400, 0.5), "the budget's, not the run's"
