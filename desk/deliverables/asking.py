"""The section that says what was asked for, of a ticket's document and of a loop's."""

from desk.deliverables.document import Bullets, Paragraph, Section
from desk.deliverables.plain import line, text
from labcrew.domain.evolution_spec import Scale
from labcrew.domain.measuring import Metric


def asked(title: str, question: str, metric: Metric | Scale, commit: str, *more: str) -> Section:
    """The section.

    Args:
        title: stands for the question where there is none.
        question: in paragraphs.
        metric: what is measured, and its target.
        commit: what the work started from.
        more: plain sentences that stand below.
    """
    goal = "higher" if metric.direction == "maximize" else "lower"
    target = f"; the target is {metric.target:g}" if metric.target is not None else ""
    points = (
        f"Measure: {line(metric.name)}, {goal} is better{target}.",
        f"Starting from commit {commit[:12]}.",
        *more,
    )
    paragraphs = [line(each) for each in text(question).split("\n\n")]
    whole = "\n".join(each for each in paragraphs if each) or line(title)
    return Section(
        title="What was asked",
        message=f"Asked: {line(title)}",
        blocks=(Paragraph(text=whole), Bullets(items=points)),
        points=(line(whole), *points),
    )
