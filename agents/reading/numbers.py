"""Numbers as papers print them."""

import math
import re
from dataclasses import dataclass

_MINUS = "-\u2212\u2013"
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = (
    rf"(?P<base>10|2)(?:\s?\^\s?\{{?\s?(?P<caret>[{_MINUS}+]?\s?\d{{1,3}})\s?\}}?"
    # An exponent that lost its superscript in a PDF: "10-3" is no range, 3 lies below 10.
    rf"|(?P<super>[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,4}})|(?P<flat>[{_MINUS}]\d(?!\d)))"
)
_NUMBER = re.compile(
    rf"""(?<![\w.,/^{{])(?<![^\W\d][-\u2212\u2013])(?P<sign>[-\u2212])?
    (?:
        (?:(?P<factor>\d+(?:\.\d+)?)\s?[\u00d7x\u00b7*]\s?)?{_POWER}
      | (?P<plain>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)? | \d+(?:\.\d+)? | \.\d+)
        (?:[eE](?P<exponent>[-\u2212+]?\d{{1,3}}))?
        (?P<thousands>[kK](?![\w]))?
    )
    (?!\w|[.,]\d|\.{{2,3}}\d|\s?/\s?\d|\s?\^)
    (?P<percent>\s?%|\s(?:percent|per\scent)\b)?
    (?:[\s-]?(?P<unit>
        ms|s|secs?|seconds?|minutes?|mins?|h|hours?|days?|weeks?|years?|[KMGT]i?B|[kmgt]b|GPUs?|TPUs?
        |CPUs?|cores?|times|fold|px|pixels?|points?|dB|[kMG]?Hz|tokens?|steps?|iterations?|runs?|seeds?
        |[\u00d7x])(?![\w]))?""",
    re.VERBOSE,
)
_REFERENCE = re.compile(
    r"(?:\b(?:table|tab\.?|figure|fig\.?|section|sec\.?|eq\.?|equation|chapter|page|p\.|version|step"
    r"|appendix|algorithm|line|ref\.?)\s*)\(?$",
    re.IGNORECASE,
)
_CITED = re.compile(rf"[\d,]+(?:[{_MINUS}]\d+)?\s?")
"""What may point at a source behind a bracket: [12] and [2-5], but not [0.05, 0.2]."""
_YEAR = re.compile(r"\b(?:in|since)\s+(?:19|20)\d\d$", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number in a text.

    Args:
        value: what it means; 20 % is 0.2.
        start, end: characters it takes, its percent sign included, its unit not.
        percent: whether it was given in percent.
        unit: what was counted, if that is no setting's unit ("ms", "tokens"); else empty.
    """

    value: float
    start: int
    end: int
    percent: bool
    unit: str


def numbers(text: str) -> list[Number]:
    """The numbers of a text, in order, without those that point at tables, figures or years.

    Reads 0.1, .1, 1,024, 32k, 1e-3, 10^-3, 10⁻³, 1 x 10^{-3}, 2^7 and 20 %.
    """
    found = []
    for match in _NUMBER.finditer(text):
        value, before = _value(match), text[max(0, match.start() - 24) : match.start()]
        if (
            value is None
            or _YEAR.search(text[: match.end()][-12:])
            or _REFERENCE.search(before)
            or (before.endswith(("[", "[(")) and _CITED.fullmatch(match[0]))
        ):
            continue
        unit = match["unit"] or ""
        end = match.end() if not unit else match.start("unit")
        percent = match["percent"] is not None
        if percent:
            value = float(f"{value / 100:.12g}")
        while text[end - 1].isspace() or (unit and text[end - 1] == "-"):
            end -= 1
        found.append(Number(value, match.start(), end, percent, unit))
    return found


def _value(match: re.Match[str]) -> float | None:
    try:
        if match["base"]:
            exponent = match["caret"] or match["flat"] or match["super"].translate(_SUPERSCRIPT)
            power = float(match["base"]) ** int(_ascii(exponent))
            # Through text: 10.0 ** -3 is a digit off what everybody writes.
            value = float(match["factor"] or 1) * float(f"{power:.12g}")
        else:
            exponent = _ascii(match["exponent"] or "0")
            value = float(f"{match['plain'].replace(',', '')}e{exponent}")
            value *= 1000 if match["thousands"] else 1
    except (ValueError, OverflowError, AttributeError):
        return None
    value = float(f"{value:.12g}")
    if not math.isfinite(value):
        return None
    return -value if match["sign"] else value


def _ascii(text: str) -> str:
    return re.sub(rf"[{_MINUS}]", "-", text).replace(" ", "")
