"""What a person reads who has to decide about an incident: found, shown, tried, and the options."""

import math
import re
from collections.abc import Iterable, Sequence

from labcrew.domain.experiment import Incident, MetricPoint
from labcrew.domain.monitoring import Attempt, Choice, Escalation
from labcrew.evidence import as_code, as_text
from tools.metric_names import is_loss

_MOST_LINES, _LINE = 20, 300
_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDTH = 40
_HELPED = {None: "its outcome is not known yet", True: "it helped", False: "it did not help"}


def escalation(
    incident: Incident,
    attempts: Iterable[Attempt],
    excerpt: Sequence[str],
    options: Iterable[Choice],
    points: Sequence[MetricPoint] = (),
    plot: str = "",
) -> Escalation:
    """All that belongs to one question to a person.

    Args:
        attempts: what was done before, oldest first; see `attempts_of`.
        excerpt: lines of the run's log, oldest first; the newest are kept: untrusted.
        options: the ways to go on, the proposed one first.
        points: the run's numbers so far.
        plot: the file of the metric's plot among the ticket's artefacts, if there is one.
    """
    metric = metric_of(incident, points)
    values = [point.value for point in points if point.name == metric]
    return Escalation(
        incident=incident.id,
        title=f"{incident.trial}: {incident.kind.replace('_', ' ')}",
        found=f"{incident.diagnosis} (confidence {incident.confidence:.0%})",
        excerpt=tuple(line[:_LINE] for line in excerpt[-_MOST_LINES:]),
        plot=plot,
        sparkline=sparkline(values),
        metric=metric,
        attempts=tuple(attempts),
        options=tuple(options),
    )


def attempts_of(chain: Iterable[Incident]) -> tuple[Attempt, ...]:
    """What was done about a run and those it restarts.

    Args:
        chain: their incidents, oldest first.
    """
    return tuple(
        Attempt(
            action=done.action,
            trial=done.new_trial,
            outcome=f"{incident.trial}, {incident.kind.replace('_', ' ')}: {_HELPED[done.helped]}",
        )
        for incident in chain
        if (done := incident.intervention) is not None and not done.part_of
    )


def metric_of(incident: Incident, points: Sequence[MetricPoint]) -> str:
    """The number that shows the incident best: its subject, the one its diagnosis names, a loss."""
    names = list(dict.fromkeys(point.name for point in points))
    if incident.subject in names:
        return incident.subject
    words = set(re.findall(r"[\w./-]+", incident.diagnosis))
    named = [name for name in names if name in words]
    losses = [name for name in names if is_loss(name)]
    return next(iter((*named, *losses, *names)), "")


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """The last values as blocks from the lowest to the highest; what is not finite is an x."""
    last = list(values[-width:])
    finite = [value for value in last if math.isfinite(value)]
    if not finite:
        return "x" * len(last)
    low, high = min(finite), max(finite)
    top = len(_BLOCKS) - 1
    # Halved first: the difference of two large numbers may not be finite.
    span = high / 2 - low / 2
    return "".join(
        "x"
        if not math.isfinite(value)
        else _BLOCKS[round(top * ((value / 2 - low / 2) / span)) if span > 0 else top // 2]
        for value in last
    )


def markdown(question: Escalation) -> str:
    """The question as Markdown; log text is escaped and can't become markup."""
    parts = [as_text(question.found, 600)]
    if question.excerpt:
        parts.append("The last lines of its log:")
        parts.append("\n".join(f"    {_plain(line)}" for line in question.excerpt))
    if question.metric:
        drawn = f" (plot: {as_code(question.plot)})" if question.plot else ""
        parts.append(f"{as_text(question.metric)}, oldest first: {question.sparkline}{drawn}")
    parts.append("Tried before:" if question.attempts else "Nothing was tried before.")
    if question.attempts:
        parts.append(
            "\n".join(
                f"- {attempt.action.replace('_', ' ')}"
                + (f", as {attempt.trial}" if attempt.trial else "")
                + f": {as_text(attempt.outcome, 300)}"
                for attempt in question.attempts
            )
        )
    if question.options:
        parts.append("\n".join(f"- {as_code(o.command)}: {o.means}" for o in question.options))
    return "\n\n".join(parts)


def _plain(line: str) -> str:
    """A line of an indented block: nothing in one is markup, as long as it stays one line."""
    return "".join(c for c in " ".join(line.split()) if c.isprintable())[:_LINE]
