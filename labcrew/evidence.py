"""Numbers of a merge request: computed from scores, referred to by key, rendered at the end."""

import re
import statistics
from collections.abc import Sequence

from labcrew.domain.experiment import Score
from labcrew.domain.measuring import Metric
from labcrew.domain.review import Evidence, Statistic
from labcrew.errors import EvidenceError
from labcrew.intervals import difference_interval

_ROUNDING = 1e-9
_REFERENCE = re.compile(r"\{\{([a-z0-9_]+)\}\}")


def compute(
    metric: Metric, statistic: Statistic, new: Sequence[float], old: Sequence[float] = ()
) -> float:
    """A statistic of scores; gains are positive when `new` is better than `old`.

    Raises:
        EvidenceError: there are too few scores.
    """
    if not new or (statistic.startswith("gain") and not old):
        raise EvidenceError(f"no scores to compute {statistic} from.")
    try:
        if statistic == "value":
            return new[0]
        if statistic == "mean":
            return statistics.fmean(new)
        if statistic == "std":
            return statistics.stdev(new) if len(new) > 1 else 0.0
        if statistic == "gain":
            return metric.gain(statistics.fmean(new), statistics.fmean(old))
    except OverflowError:
        raise EvidenceError(f"the scores are too large to compute {statistic} from.") from None
    interval = difference_interval(new, old)
    if interval is None:
        raise EvidenceError("an interval needs at least two seeds of a sane size on each side.")
    bounds = sorted((metric.gain(interval.low, 0.0), metric.gain(interval.high, 0.0)))
    return bounds[0] if statistic == "gain_low" else bounds[1]


def agrees(found: float, kept: float, scores: Sequence[float]) -> bool:
    """Whether a number that was computed again is the kept one, but for rounding.

    Args:
        scores: what it is computed from: a gain near zero is rounded at their size.
    """
    return abs(found - kept) <= _ROUNDING * max(map(abs, scores), default=0.0)


def number(
    metric: Metric,
    key: str,
    statistic: Statistic,
    scores: Sequence[Score],
    against: Sequence[Score] = (),
    digits: int = 4,
) -> Evidence:
    """One number with what it is computed from."""
    return Evidence(
        key=key,
        value=compute(metric, statistic, [s.value for s in scores], [s.value for s in against]),
        digits=digits,
        statistic=statistic,
        scores=tuple(scores),
        against=tuple(against),
    )


def fill(template: str, evidence: Sequence[Evidence]) -> str:
    """The template with each {{key}} replaced by its number.

    Raises:
        EvidenceError: a reference has no number.
    """
    known = {item.key: item.rendered() for item in evidence}

    def rendered(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise EvidenceError(f"the description refers to {match[1]}, which has no evidence.")
        return known[match[1]]

    return _REFERENCE.sub(rendered, template)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_text(untrusted: str, cap: int = 300) -> str:
    """Text of others, safe inside a Markdown table: one line, no markup, links or references.

    Characters that nobody sees (escapes, text direction) are left out.
    """
    line = "".join(c for c in " ".join(untrusted.split()) if c.isprintable())
    line = line[: cap - 1] + "…" if len(line) > cap else line
    escaped = re.sub(r"([\\`*_{}\[\]<>|!#~&$])", r"\\\1", line)
    # Addresses that a renderer would make links of by itself, and names that a forge would notify.
    escaped = re.sub(r":(?=//)|(?<=www)\.", r"\\\g<0>", escaped, flags=re.IGNORECASE)
    return escaped.replace("@", "@\u2060")


_VERBATIM_OR_ESCAPED = re.compile(
    r"^(`{3,}).*?^\1|^ {4}[^\n]*|`[^`\n]*`|\\([\\`*_{}\[\]<>|!#~&$:.])", re.DOTALL | re.MULTILINE
)


def unescaped(markdown: str) -> str:
    """What `as_text` was given, for a terminal, which reads no Markdown; code stays as it is."""
    shown = _VERBATIM_OR_ESCAPED.sub(lambda found: found[2] or found[0], markdown)
    return shown.replace("@\u2060", "@")


def as_code(untrusted: str, cap: int = 300) -> str:
    """Text of others as a Markdown code span; as plain text where it would break out of one."""
    line = "".join(c for c in " ".join(untrusted.split()) if c.isprintable())
    if not line or len(line) > cap or any(mark in line for mark in ("`", "|", "{{", "}}")):
        return as_text(untrusted, cap)
    return f"`{line}`"
