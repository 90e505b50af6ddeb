"""What a person's answer to a draft's question means."""

import json
from typing import Any

from pydantic import JsonValue, ValidationError

from labcrew.domain.draft import Options
from labcrew.domain.measuring import Evaluator, Metric
from labcrew.errors import InputError

_DIRECTIONS = {
    **dict.fromkeys(("minimize", "minimise", "min", "lower", "down", "less"), "minimize"),
    **dict.fromkeys(("maximize", "maximise", "max", "higher", "up", "more"), "maximize"),
}
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    "test": "test",
    "unknown": "unknown",
}


def chosen_value(question: Options, answer: JsonValue) -> JsonValue:
    """The value that an answer means.

    Args:
        question: with its options.
        answer: an option's number from 1, its value, its label or its name, or a value of the
            person's own where the field can be anything.

    Raises InputError, which lists the options.
    """
    options = question.options
    for option in options:
        if option.value == answer and not isinstance(answer, bool | int):
            return option.value
    parsed = _parsed(answer)
    if isinstance(parsed, int) and not isinstance(parsed, bool):
        if 1 <= parsed <= len(options):
            return options[parsed - 1].value
        raise _no_option(question, answer)
    for option in options:
        if option.value == parsed:
            return option.value
    if isinstance(answer, str):
        said = " ".join(answer.split()).casefold()
        for meant in (
            [o for o in options if o.label.casefold() == said],
            [o for o in options if _name(o.value).casefold() == said],
        ):
            if len(meant) == 1:
                return meant[0].value
    own = _own(question.field, parsed, answer)
    if own is None:
        raise _no_option(question, answer)
    return own


def takes_own(field: str) -> bool:
    """Whether a question can be answered by what is none of its options."""
    return field in ("metric.direction", "metric.split", "metric", "evaluator")


def _own(field: str, parsed: JsonValue, answer: JsonValue) -> JsonValue:
    """A value of the person's own, checked; None where it is no value of the field."""
    if isinstance(answer, str) and field in ("metric.direction", "metric.split"):
        words = _DIRECTIONS if field == "metric.direction" else _SPLITS
        return words.get(answer.strip().casefold())
    if not isinstance(parsed, dict):
        return None
    try:
        if field == "evaluator":
            Evaluator.model_validate(parsed)
            return parsed
        if field == "metric":
            return _metric(parsed)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join([field, *map(str, first["loc"])])
        raise InputError(
            f"{where}: {first['msg']}.", "`labcrew ticket fields` lists the fields."
        ) from None
    return None


def _metric(given: dict[str, JsonValue]) -> JsonValue:
    fields: dict[str, Any] = {k: v for k, v in given.items() if k != "split"}
    metric = Metric.model_validate({"direction": "minimize", **fields})
    split = given.get("split", "unknown")
    if not isinstance(split, str) or split not in _SPLITS.values():
        raise InputError("metric.split is one of train, validation, test, unknown.")
    if (metric.file is None) == (metric.pattern is None):
        raise InputError("A metric is read from either a file or a pattern: give one of them.")
    return {
        "name": metric.name,
        "split": split,
        "file": metric.file,
        "pattern": metric.pattern,
    }


def _parsed(answer: JsonValue) -> JsonValue:
    """A text that is JSON as what it stands for; any other value as it is."""
    if not isinstance(answer, str):
        return answer
    try:
        parsed: JsonValue = json.loads(answer)
    except (ValueError, RecursionError):
        return answer
    return parsed


def _name(value: JsonValue) -> str:
    """What a value is called: itself, or its name."""
    if isinstance(value, dict):
        return str(value.get("name", ""))
    return value if isinstance(value, str) else ""


def _no_option(question: Options, answer: JsonValue) -> InputError:
    listed = "\n".join(
        f"  {number}. {option.label}" for number, option in enumerate(question.options, 1)
    )
    return InputError(
        f"{brief(answer)} answers none of the options of {question.field}:\n{listed}",
        "Answer with a number, or with an option as it stands here.",
    )


def brief(value: Any) -> str:
    """An answer as it was given, at most 200 characters of it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:199]}…"
