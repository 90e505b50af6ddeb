"""The page on incidents says what the kept results say."""

from pathlib import Path

from evals.incidents.curve import learning_curve
from evals.incidents.report import CURVE, document, load

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evals/results/incidents"


def test_the_page_is_made_from_the_kept_results() -> None:
    assert (ROOT / "docs/incidents.md").read_text(encoding="utf-8") == document(load(RESULTS))


def test_the_curve_shows_the_kept_results() -> None:
    assert (ROOT / "docs" / CURVE).read_bytes() == learning_curve(load(RESULTS).judged)
