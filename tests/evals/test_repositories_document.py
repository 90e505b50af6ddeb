"""The page on drafts says what the kept results say."""

from pathlib import Path

from evals.repositories.catalogue import catalogue
from evals.repositories.report import document, half, load

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "evals/results/repositories"


def test_the_page_is_made_from_the_kept_results() -> None:
    assert (ROOT / "docs/repositories.md").read_text(encoding="utf-8") == document(load(RESULTS))


def test_each_result_is_of_the_catalogue_and_in_its_own_half() -> None:
    halves = {entry.name: entry.half for entry in catalogue().entries}
    results = load(RESULTS)
    assert results
    assert all(halves[result.name] == result.half for result in results)
    assert half("unseen", results).repositories >= 12
