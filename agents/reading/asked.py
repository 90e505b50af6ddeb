"""Settings that a person asks to see tried, in a comment's own words."""

import re

from agents.reading.naming import Wording
from agents.reading.reported import reported
from agents.reading.sentences import sentences
from labcrew.domain.search_space import ChoiceParameter, Parameter, Value, Values, legal

_GOES_ON = re.compile(r"\s*(?:to|-|\u2013|\u2014)\s*[\d.]", re.IGNORECASE)


def asked_settings(text: str, space: dict[str, Parameter]) -> list[Values]:
    """One set of legal settings for each sentence that names some; `name = value` always counts.

    A range is no setting: neither its middle nor one of its ends is what the person asked for.
    """
    wording = Wording(space)
    found = []
    for sentence in sentences(text) or [text]:
        read = reported(sentence.replace("?", "."), space, wording)
        values = {name: value for name, value in read.values.items() if name not in read.notes}
        for name, parameter in space.items():
            match = re.search(rf"(?<![\w.]){re.escape(name)}\s*[=:]\s*([^\s,;]+)", sentence)
            if match is None or _GOES_ON.match(sentence, match.end()):
                continue
            value = _value(parameter, match[1].rstrip(".?!"))
            if value is not None:
                values[name] = value
        if values and values not in found:
            found.append(values)
    return found


def _value(parameter: Parameter, word: str) -> Value | None:
    if isinstance(parameter, ChoiceParameter):
        return next((c for c in parameter.choices if str(c) == word), None)
    try:
        number = float(word)
    except ValueError:
        return None
    value: Value = int(number) if parameter.type == "int" and number.is_integer() else number
    return value if legal(parameter, value) else None
