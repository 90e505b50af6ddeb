"""Settings that a sentence reports as good: which parameter, which value.

Plain rules, made to stay silent rather than to guess: a value that a sentence warns of, bounds,
lists without a choice, or that lies outside the search space is no suggestion.
"""

import re
from dataclasses import dataclass, field

from agents.reading.naming import COUNTED, Mention, Wording
from agents.reading.numbers import Number, numbers
from labcrew.domain.search_space import (
    ChoiceParameter,
    IntParameter,
    Parameter,
    Value,
    Values,
    legal,
)

_LINK_WORDS = (
    "of is was were are be been being at to as the a an set fixed kept held chosen selected initial"
    " initially initialized initialised tuned equal equals around about approximately roughly near"
    " nearly value values with we used use using default defaults optimal found coefficient"
    " parameter strength constant threshold size from between in range ranging ranges interval lies"
    " lie within reduced lowered raised increased decreased changed decayed annealed dropped moved"
)
_LINK_ANY = "|".join(sorted(_LINK_WORDS.split(), key=len, reverse=True))
# Possessive, for quotes may belong to what is before or after: trying both ways doubles the work
# with every word that a paper puts between.
_LINK = re.compile(
    rf"""[\s"'`*_\])]*(?:\([^()\d]{{1,16}}\)\s*|[^\W\d_]\s*(?=[=\u2248:]))?
    (?:(?:{_LINK_ANY})\b[\s,"'`*]*+|[=:\u2248~\u223c\u2190\[({{"'`*]\s*+)*+""",
    re.VERBOSE | re.IGNORECASE,
)
_LINK_MOST = 60
_NEXT = re.compile(r"\s*(?:,\s*(?:and|or)?|and|or|to|/|-|\u2013|\u2014|&)\s*", re.IGNORECASE)
_BEFORE_NUMBER = re.compile(
    r"\b(?:above|below|under|exceeding|beyond|than|least|most|minimum|maximum|max|min|up\s+to|until"
    r"|after|every|within|first|last|each|per|by|before|epoch|another|warm-?up\s+(?:for|of|over))\W*$",
    re.IGNORECASE,
)
_CONTRAST = re.compile(
    r";|\s[\u2013\u2014]\s|,?\s*\b(?:but|while|whereas|however|although|though|yet|except)\b",
    re.IGNORECASE,
)
_WARNING = re.compile(
    r"""\b(?:diverg\w*|explod\w*|explosion|avoid\w*|unstable|instabilit\w*|fail\w*|worse\w*|worst
    |poor\w*|hurt\w*|harm\w*|degrad\w*|deteriorat\w*|collaps\w*|overfit\w*|over-fit\w*|underfit\w*
    |underperform\w*|oscillat\w*|nan|inferior|sub-?optimal\w*|ineffective|useless|detriment\w*|bad|badly
    |slow|slower|slowly|mistake\w*|wrong\w*|wast\w*|beware|discourag\w*|refrain|never|not|cannot|neither
    |nor|none|overshoot\w*|impossible|insufficient\w*
    |no\s+(?:\w+\s+){0,1}?(?:benefits?|gains?|effects?|improvements?|differences?|advantages?|help)|excessive\w*|blew|blown?s?\s+up)\b|n['\u2019]t\b
    |\btoo\s+(?:high|low|large|small|big|great|little|much|many|few|long|short|fast|strong|weak
      |aggressive|deep|wide|coarse|noisy)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"""\b(?:
    avoid(?:s|ed|ing)?\s+(?:the\s+)?(?:diverg\w*|over-?fit\w*|instabilit\w*|explo\w*|oscillat\w*|collapse)
    |(?:without|never|not|n['\u2019]t|nor)\s+(?:\w+\s+){0,1}?(?:diverg\w*|over-?fit\w*|explod\w*|collaps\w*
      |oscillat\w*|degrad\w*|hurt\w*|harm\w*|fail\w*)
    |not\s+only|(?:prevent|reduc|remov)\w*\s+(?:the\s+)?(?:over-?fitting|divergence|instabilit\w*)
    |(?:better|best)\s+and\s+worst)""",
    re.VERBOSE | re.IGNORECASE,
)
_OTHERS_FAIL = re.compile(
    r"[,:]\s*(?:and\s+)?(?:much\s+|even\s+)?(?:larger|higher|bigger|greater|smaller|lower|other)"
    r"\s[^\d,;:]*$",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"^\W*(?:it|this|that|these|those|they|which|both|such|doing\s+so)\b", re.IGNORECASE
)
_PASSED_OVER = re.compile(
    r"\b(?:instead\s+of|rather\s+than|unlike|as\s+opposed\s+to|compared\s+(?:to|with)|versus|vs\.?"
    r"|worse\s+than|from\s+the\s+(?:usual|default))\s+(?:[^\W\d]+\s+){0,5}$",
    re.IGNORECASE,
)
_OUTCOME = (
    r"\b(?:accurac(?:y|ies)|errors?|error\s+rates?|loss(?:es)?|scores?|f1|auc|precision|recall"
    r"|perplexity|bleu|speed-?up|time|correlation|r2)"
)
_OUTCOME_WITH = re.compile(
    _OUTCOME + r"\s+(?:with|without|of|using|for|under)\s+(?:the\s+|a\s+)?$", re.IGNORECASE
)
_IS = re.compile(r"\s*(?:is|was|were|are|=|:)", re.IGNORECASE)
_OUTCOME_OF = re.compile(_OUTCOME + r"(?:\s+(?:of|is|was|at|to|=|:))*\s*[=:]?\s*$", re.IGNORECASE)
_LEFT_GAP = re.compile(
    r"[\s-]*|\s+(?:as|for)(?:\s+(?:the|a|an|our))?(?:\s+(?:initial|base|peak))?\s+", re.IGNORECASE
)
_NORM = re.compile(r"\b(?:batch[- ]?norm\w*|bn|ema|teacher|moving[- ]average)\s+$", re.IGNORECASE)
_BETTER = re.compile(r"\b(?:improv|better|best|help|gain|boost|optimal|recommend|prefer)", re.I)
_CHANGE = re.compile(
    r"\b(?:reduc|lower|rais|increas|decreas|chang|decay|anneal|drop|mov|switch|schedul|warm)", re.I
)
_SCHEDULE = re.compile(r"\b(?:decay(?!\s+of\s)|anneal|schedul|cosine|linearly|warm)", re.I)
_SEARCH = re.compile(
    r"\b(?:search|sweep|swept|grid|tried|tested|explor|consider|vary|varied|varying|candidate)",
    re.I,
)


@dataclass(frozen=True)
class Reported:
    """What a sentence reports.

    Args:
        values: legal settings.
        notes: by name, how a value was read that the sentence doesn't print as the one to set.
    """

    values: Values
    notes: dict[str, str] = field(default_factory=dict)


def reported(
    sentence: str, space: dict[str, Parameter], wording: Wording, after: str = ""
) -> Reported:
    """The settings that a sentence reports as good; none where it is in doubt.

    Args:
        sentence: one sentence.
        space: the parameters and their legal values.
        wording: made from the same space.
        after: the sentence that follows it, which may take it back ("It diverged.").
    """
    if sentence.rstrip().endswith("?") or re.search(r"\brespectively\b", sentence, re.I):
        return Reported({})
    if _POINTS_BACK.match(after) and warns(after):
        return Reported({})
    parts = _CONTRAST.split(sentence)
    values: Values = {}
    notes: dict[str, str] = {}
    for position, part in enumerate(parts):
        later = parts[position + 1] if position + 1 < len(parts) else ""
        if warns(part) or (_POINTS_BACK.match(later) and warns(later)):
            continue
        found = _of_part(part, space, wording)
        said: Values = {}
        for name, value, _ in found:
            said.setdefault(name, value)
        if any(values.get(name, value) != value for name, value in said.items()):
            # "0.1 is a safe start; 0.3 is better": one of the two, never a blend.
            if not _BETTER.search(part):
                continue
            values, notes = {}, {}
        values |= said
        notes |= {name: note for name, _, note in found if note}
    return Reported(values, notes)


def warns(text: str) -> bool:
    """Whether a text says that something went, or would go, wrong."""
    return _WARNING.search(_OTHERS_FAIL.sub("", _HARMLESS.sub(" ", text))) is not None


def _of_part(
    part: str, space: dict[str, Parameter], wording: Wording
) -> list[tuple[str, Value, str]]:
    mentions = wording.mentions(part)
    found = numbers(part)
    used: set[int] = set()
    results: list[tuple[str, Value, str]] = []
    for mention in mentions:
        head = part[: mention.start]
        if _PASSED_OVER.search(head) or _NORM.search(head):
            continue
        parameter = space[mention.name]
        pair = _left(part, mention, found, used, parameter) or _right(
            part, mention, mentions, found, used, parameter
        )
        if pair is None:
            pair = _word_choice(part, mention, parameter)
        if pair is not None:
            results.append((mention.name, *pair))
    return results


def _left(
    part: str, mention: Mention, found: list[Number], used: set[int], parameter: Parameter
) -> tuple[Value, str] | None:
    """The value that stands right before a name: "128 hidden units"."""
    if not mention.after:
        return None
    for index, number in enumerate(found):
        gap = part[number.end : mention.start]
        head = part[: number.start]
        if number.start in used or number.end > mention.start or not _LEFT_GAP.fullmatch(gap):
            continue
        value = as_legal(parameter, number)
        # One of several numbers in a row, unless the one before belongs to another parameter.
        other = found[index - 1] if index else None
        listed = (
            other is not None
            and other.start not in used
            and _NEXT.fullmatch(part[other.end : number.start])
        )
        if value is None or listed or _OUTCOME_OF.search(head):
            continue
        if not _BEFORE_NUMBER.search(head):
            used.add(number.start)
            return value, ""
    return None


def _right(
    part: str,
    mention: Mention,
    mentions: list[Mention],
    found: list[Number],
    used: set[int],
    parameter: Parameter,
) -> tuple[Value, str] | None:
    """The value that follows a name, with nothing but linking words between."""
    if not mention.before:
        return None
    first = next((i for i, n in enumerate(found) if n.start >= mention.end), None)
    if first is None or found[first].start in used:
        return None
    number = found[first]
    link = part[mention.end : number.start]
    if len(link) > _LINK_MOST or not _LINK.fullmatch(link):
        return None
    if _OUTCOME_WITH.search(part[: mention.start]) and _IS.match(link):
        return None  # "the accuracy with momentum was 0.9"
    following = found[first + 1] if first + 1 < len(found) else None
    joint = part[number.end : following.start] if following else ""
    if following is not None and _NEXT.fullmatch(joint):
        rest = part[following.end :].lstrip(" -")
        place = len(part) - len(rest)
        counted = any(m.after and m.start == place for m in mentions) or COUNTED.match(rest)
        if not counted:
            used.update((number.start, following.start))
            between = spans(link, joint, part[following.end :])
            return _range(part, link, joint, number, following, parameter, between=between)
    if _CHANGE.search(link) and not _BETTER.search(part):
        return None
    value = as_legal(parameter, number)
    if value is None or _SCHEDULE.search(link):
        return None
    used.add(number.start)
    return value, ""


def spans(before: str, joint: str, after: str) -> bool:
    """Whether two numbers are the ends of a range, and no list.

    Args:
        before: what stands before the first.
        joint: what stands between them.
        after: what stands behind the second.
    """
    joined = joint.strip().lower()
    return (
        joined in {"to", "-", "\u2013", "\u2014"}
        or (joined == "and" and re.search(r"\bbetween\b", before, re.I) is not None)
        or (joined == "," and before.rstrip()[-1:] == "[" and after.lstrip()[:1] in ("]", ")"))
    )


def _range(
    part: str,
    link: str,
    joint: str,
    low: Number,
    high: Number,
    parameter: Parameter,
    *,
    between: bool,
) -> tuple[Value, str] | None:
    """The middle of a reported range, or the end of a change that was for the better."""
    words = set(re.findall(r"[a-z]+", f"{link} {joint}".lower()))
    joined = joint.strip().lower()
    if "from" in words and joined == "to" and _CHANGE.search(part):
        if _SCHEDULE.search(part):
            value = as_legal(parameter, low)
            return None if value is None else (value, "the value a schedule starts from")
        value = as_legal(parameter, high) if _BETTER.search(part) else None
        return None if value is None else (value, "")
    if not between or low.value >= high.value or low.unit or high.unit:
        return None
    if isinstance(parameter, ChoiceParameter) or (
        _SEARCH.search(part) and not _BETTER.search(part)
    ):
        return None
    if parameter.log and low.value > 0:
        middle = (low.value * high.value) ** 0.5
    else:
        middle = (low.value + high.value) / 2
    value = round(middle) if isinstance(parameter, IntParameter) else float(f"{middle:.2g}")
    if not legal(parameter, value):
        return None
    return value, f"the middle of the reported range {low.value:g} to {high.value:g}"


def _word_choice(part: str, mention: Mention, parameter: Parameter) -> tuple[Value, str] | None:
    """The one choice that is a word and stands beside the name: "the optimizer was Adam"."""
    if not isinstance(parameter, ChoiceParameter):
        return None
    link = part[mention.end : mention.end + _LINK_MOST]
    gap = _LINK.match(link)
    after = link[gap.end() :] if gap else link
    fitting = []
    for choice in parameter.choices:
        spelt = (
            {True: r"true|on|enabled", False: r"false|off|disabled"}.get(choice)
            if isinstance(choice, bool)
            else (re.escape(choice) if isinstance(choice, str) and choice else None)
        )
        if spelt and (
            re.match(rf"(?:{spelt})(?![\w-])", after, re.IGNORECASE)
            or (
                isinstance(choice, str)
                and re.search(
                    rf"(?<![\w-])(?:{spelt})[\s-]+$", part[: mention.start], re.IGNORECASE
                )
            )
        ):
            fitting.append(choice)
    return (fitting[0], "") if len(fitting) == 1 else None


def as_legal(parameter: Parameter, number: Number) -> Value | None:
    """A number as a legal value of a parameter; None where it has a foreign unit or is outside."""
    if number.unit:
        return None
    if isinstance(parameter, ChoiceParameter):
        return next(
            (
                choice
                for choice in parameter.choices
                if isinstance(choice, int | float)
                and not isinstance(choice, bool)
                and choice == number.value
            ),
            None,
        )
    if isinstance(parameter, IntParameter):
        if number.percent or not number.value.is_integer():
            return None
        whole = int(number.value)
        return whole if legal(parameter, whole) else None
    return number.value if legal(parameter, number.value) else None
