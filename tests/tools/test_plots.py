"""The plot: the same for the same trials, sound XML for any of them."""

from xml.etree import ElementTree as ET

import pytest

from labcrew.domain.experiment import Trial
from labcrew.domain.measuring import Metric
from tests.packets import scores
from tests.tickets import failed, make_trial
from tools.plots import trials_svg

METRIC = Metric(name="accuracy", direction="maximize")
TRIALS = [
    make_trial(0, 0.5, kind="baseline", values={}),
    make_trial(1, 0.52, kind="baseline", values={}, seed=1),
    make_trial(2, 0.6),
    failed(make_trial(3)),
    make_trial(4, 0.8),
    make_trial(5, 0.75, kind="finalist", seed=1),
]


def text_of(svg: bytes) -> str:
    return " ".join(node.text or "" for node in ET.fromstring(svg).iter())


def test_the_same_trials_give_the_same_bytes() -> None:
    holdout = [("baseline", scores(0.5, 0.51)), ("this change", scores(0.8, 0.82))]
    first = trials_svg(METRIC, TRIALS, holdout)
    assert first == trials_svg(METRIC, list(TRIALS), holdout)
    shown = text_of(first)
    for words in ("validation accuracy", "best so far", "stopped or failed", "0.81", "baseline"):
        assert words in shown


def test_without_a_holdout_there_is_one_panel() -> None:
    down = Metric(name="loss", direction="minimize")
    shown = text_of(trials_svg(down, TRIALS))
    assert "lower is better" in shown
    assert "Holdout" not in shown


def test_runs_with_a_patch_are_marked() -> None:
    changed = [make_trial(n, 0.9, kind="changed", values={}, code="a" * 64) for n in (1, 2)]
    shown = text_of(trials_svg(METRIC, [failed(make_trial(0, kind="baseline")), *changed]))
    assert "program with the patch" in shown
    assert "program's own settings" not in shown


@pytest.mark.parametrize("trials", [[], [make_trial(0)], [failed(make_trial(0))], TRIALS[:1]])
def test_there_may_be_nothing_to_show(trials: list[Trial]) -> None:
    ET.fromstring(trials_svg(METRIC, trials))


@pytest.mark.parametrize("name", ["$x^{", "a<b>&", "精度", "a\x08b", "\\frac{1}"])
def test_a_metric_may_have_any_name(name: str) -> None:
    ET.fromstring(trials_svg(Metric(name=name, direction="maximize"), TRIALS))
