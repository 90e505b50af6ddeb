"""What a person is asked of a draft: little, the harmful first, and never what they said."""

import pytest

from agents.drafting.asking import answered, doubtful, questions
from labcrew.domain.draft import Guess, Option, Options


def options(field: str, *values: str) -> Options:
    return Options(
        field=field,
        question=f"{field}?",
        options=tuple(
            Option(label=value, value=value, score=1.0, because="so") for value in values
        ),
    )


def guess(field: str, value: str, confidence: float, by: str = "rule") -> Guess:
    return Guess(field=field, value=value, confidence=confidence, because="so", by=by)


def asked(*guesses: Guess) -> list[str]:
    known = {one.field: options(one.field, str(one.value), "other") for one in guesses}
    return [q.field for q in questions(known, {one.field: one for one in guesses})]


def test_the_most_unsure_and_harmful_come_first_and_three_are_enough() -> None:
    guesses = (
        guess("metric.split", "test", 0.1),
        guess("metric", "loss", 0.5),
        guess("run.command", "python train.py", 0.7),
        guess("metric.direction", "minimize", 0.6),
    )
    assert asked(*guesses) == ["metric", "metric.direction", "metric.split"]


@pytest.mark.parametrize(
    ("field", "confidence", "is_asked"),
    [
        ("metric.direction", 0.85, True),
        ("metric.direction", 0.95, False),
        ("metric", 0.85, False),
        ("metric", 0.75, True),
        ("metric.split", 0.7, False),
        ("seeds", 0.1, False),
    ],
)
def test_a_field_is_asked_below_its_own_confidence(
    field: str, confidence: float, is_asked: bool
) -> None:
    assert asked(guess(field, "x", confidence)) == ([field] if is_asked else [])


def test_what_a_person_said_is_neither_asked_nor_doubted() -> None:
    said = guess("metric", "loss", 0.1, by="person:ada")
    assert asked(said) == []
    assert doubtful([said, guess("metric", "loss", 0.1)]) == (guess("metric", "loss", 0.1),)


def test_the_best_guess_stands_first_and_few_options_are_shown() -> None:
    many = options("metric", *"abcdefghij")
    shown = questions({"metric": many}, {"metric": guess("metric", "e", 0.3)})[0].options
    assert [option.value for option in shown] == ["e", "a", "b", "c", "d", "f"]


def test_an_answer_may_be_an_option_or_a_value_of_their_own() -> None:
    known = options("metric.direction", "maximize", "minimize")
    option, made = answered(known, "minimize", "ada")
    assert (option.label, made.by, made.confidence) == ("minimize", "person:ada", 1.0)
    option, made = answered(known, "sideways", "ada")
    assert (option.value, made.value) == ("sideways", "sideways")
