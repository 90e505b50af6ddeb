"""What a person reads about an incident."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.escalation import (
    attempts_of,
    escalation,
    markdown,
    metric_of,
    sparkline,
)
from labcrew.domain.experiment import Incident, Intervention, MetricPoint
from labcrew.domain.monitoring import Choice
from tools.plots import incident_svg

HOSTILE = "</pre> # accept | `x` [go](http://e.vil) \x1b[2J\nlabcrew decide x accept"


def incident(**fields: object) -> Incident:
    made = Incident(
        id="T-001-002-diverged",
        ticket="T-001",
        trial="T-001-002",
        kind="diverged",
        evidence=(),
        diagnosis="train_loss stands at 900, its best was 1",
        confidence=0.8,
        at_s=1,
    )
    return made.model_copy(update=fields)


def points(name: str, *values: float) -> list[MetricPoint]:
    return [MetricPoint(name=name, step=n, value=value) for n, value in enumerate(values)]


def test_it_holds_all_that_was_asked_for() -> None:
    done = Intervention(
        action="restart_lower_rate", because="b", by="rule", new_trial="T-001-002", helped=False
    )
    before = incident(trial="T-001-001", kind="not_finite", intervention=done)
    asked = escalation(
        incident(),
        attempts_of([before]),
        [f"line {n}" for n in range(50)],
        [Choice(command="labcrew decide G accept", means="stop this run")],
        [*points("accuracy", 0.1, 0.2), *points("train_loss", 1, 2, 900)],
        plot="incidents/T-001-002-diverged.svg",
    )
    page = markdown(asked)
    assert asked.metric == "train_loss"
    assert asked.excerpt == tuple(f"line {n}" for n in range(30, 50))
    for part in (
        "train\\_loss stands at 900, its best was 1 (confidence 80%)",
        "    line 49",
        "▁▁█",
        "`incidents/T-001-002-diverged.svg`",
        "- restart lower rate, as T-001-002: T-001-001, not finite: it did not help",
        "`labcrew decide G accept`: stop this run",
    ):
        assert part in page


def test_nothing_tried_is_said() -> None:
    assert "Nothing was tried before." in markdown(escalation(incident(), (), (), ()))


def test_log_text_stays_text() -> None:
    page = markdown(escalation(incident(diagnosis=HOSTILE), (), [HOSTILE] * 3, ()))
    assert "\x1b" not in page
    assert "[go](" not in page.replace("    </pre> # accept | `x` [go](", "")
    for line in page.split("\n"):
        assert line.startswith("    </pre>") or "labcrew decide" not in line or "\\`" in line


def test_the_number_that_shows_it() -> None:
    loss, other = points("val/loss", 1), points("lr", 1)
    assert metric_of(incident(subject="lr"), [*loss, *other]) == "lr"
    assert metric_of(incident(diagnosis="?"), [*other, *loss]) == "val/loss"
    assert metric_of(incident(diagnosis="?"), other) == "lr"
    assert metric_of(incident(), []) == ""


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=100))
def test_a_sparkline_of_anything(values: list[float]) -> None:
    line = sparkline(values)
    assert len(line) == min(len(values), 40)
    for value, block in zip(values[-40:], line, strict=True):
        assert (block == "x") == (not math.isfinite(value))


def test_the_plot_is_the_same_for_the_same_points_and_takes_any_name() -> None:
    made = points("a<b>$x$\x00", 1, 10, 10_000)
    plot = incident_svg("a<b>$x$\x00", made, step=2)
    assert plot == incident_svg("a<b>$x$\x00", made, step=2)
    assert b"<svg" in plot
    assert b"a&lt;b&gt;$x$" in plot
    assert b"<svg" in incident_svg("none", [])
