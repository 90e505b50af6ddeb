"""What a person is asked of a draft, and what their answers make of its guesses."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from labcrew.domain.draft import Guess, Option, Options

MOST = 3
_MOST_OPTIONS = 6
SURE = 0.8
"""From here on a guess is taken without a question."""
_SURE_OF: dict[str, float] = {"metric.direction": 0.9, "metric.split": 0.6, "evaluator": 0.5}
"""Fields that are asked already below another confidence: by the harm that a wrong one does."""
_EVEN = 0.5
"""Below it a lone answer is asked about as well: that none is right is likelier."""
_HARM: dict[str, float] = {
    "metric": 1.0,
    "metric.direction": 1.0,
    "run.command": 0.9,
    "environment.dockerfile": 0.9,
    "metric.split": 0.35,
    "evaluator": 0.3,
}
"""Field → how much harm a wrong guess does; what is not named is never asked."""


def questions(
    asked: Mapping[str, Options], guesses: Mapping[str, Guess], most: int = MOST
) -> tuple[Options, ...]:
    """The questions that are worth a person's time, the one that matters most first.

    Args:
        asked: field → its question.
        guesses: field → what was guessed; one by a person is not asked again.
        most: how many at most.
    """
    weights = {
        field: (1 - guess.confidence) * _HARM[field]
        for field, guess in guesses.items()
        if field in asked
        and field in _HARM
        and guess.confidence < _sure(field, len(asked[field].options))
        and not guess.by.startswith("person:")
    }
    best = sorted(weights, key=lambda field: (-weights[field], field))
    return tuple(_best_first(asked[field], guesses[field]) for field in best[:most])


def _sure(field: str, options: int) -> float:
    """The confidence from which a field is not asked about."""
    return _SURE_OF.get(field, SURE) if options > 1 else _EVEN


def _best_first(options: Options, guess: Guess) -> Options:
    ordered = sorted(options.options, key=lambda option: option.value != guess.value)
    return options.model_copy(update={"options": tuple(ordered[:_MOST_OPTIONS])})


def answered(options: Options, answer: JsonValue, by: str) -> tuple[Option, Guess]:
    """A person's answer: one of the options by its value, or a value of their own.

    Args:
        answer: as the draft keeps it.
        by: the person's name.
    """
    option = next((one for one in options.options if one.value == answer), None)
    if option is None:
        option = Option(label=str(answer)[:300], value=answer, score=0.0, because=f"{by} said so")
    guess = Guess(
        field=options.field,
        value=option.value,
        confidence=1.0,
        because=f"{by} said so",
        evidence=option.evidence,
        by=f"person:{by}",
    )
    return option, guess


def doubtful(guesses: Sequence[Guess]) -> tuple[Guess, ...]:
    """The guesses that no person has confirmed and that are not sure."""
    return tuple(g for g in guesses if g.confidence < SURE and not g.by.startswith("person:"))
