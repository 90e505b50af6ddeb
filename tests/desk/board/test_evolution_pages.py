"""The pages and the resource of loops: what they show, to whom, and what they never tell."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.board.gain_bars import WIDTH, gain_bar, scale_of
from desk.views.diffs import FileDifference, between
from desk.views.evolution_changes import change_of
from desk.views.evolutions import RoundRow
from desk.wiring import Opened
from labcrew.domain.evolution import Comparison, NoiseFloor
from labcrew.errors import NotFound
from tests.desk.evolved import evolved, evolver, started
from tests.desk.web.clients import client_of, lab_at
from tests.doubles.records import with_only
from tests.graphs.evolution.lab import SECRET

_NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@pytest.fixture
def ended(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A home whose loop waits with its merge request."""
    evolved(opened, tmp_path, monkeypatch)
    return opened


def test_a_loops_page_tells_all_of_it(ended: Opened) -> None:
    client = client_of(lab_at(ended), "viewer")
    assert "Better skill" in client.get("/evolutions").text
    page = client.get("/evolutions/E-001").text
    for word in (
        "Sealed result",
        "a proven gain",
        "Optimism by hindsight",
        "Chance alone",
        "Self-criticism",
        "found by leaving it out",
        "Round 3: skill 0.9",
        'href="/gates/E-001-merge-r0.1"',
        'href="/merge-requests/E-001-MR0"',
        "/api/v1/evolutions/E-001/plot",
        "4 of 4",
    ):
        assert word in page, word
    assert "data-api" not in page.partition('id="do"')[2].partition("</section>")[0]
    assert SECRET not in page
    change = client.get("/evolutions/E-001/kept/3").text
    assert "agent.py" in change
    assert client.get("/evolutions/E-001/kept/2").status_code == 404
    assert client.get("/evolutions/E-002").status_code == 404
    gate = client.get("/gates/E-001-merge-r0.1").text
    assert 'href="/evolutions/E-001"' in gate
    assert 'href="/evolutions/E-001"' in client.get("/inbox").text
    assert 'href="/evolutions/E-001"' in client.get("/merge-requests").text
    assert client.get("/merge-requests/E-001-MR0").status_code == 200
    assert 'href="/evolutions/E-001"' in client.get("/report/body?since=2d").text
    assert client.get("/crew").status_code == 200


def test_a_loop_that_has_not_begun_has_a_page(opened: Opened, tmp_path: Path) -> None:
    started(opened, tmp_path)
    client = client_of(lab_at(opened), "researcher")
    page = client.get("/evolutions/E-001").text
    assert "The noise has not been measured yet" in page
    assert "No round yet" in page
    assert "Steer the loop" in page
    plot = client.get("/api/v1/evolutions/E-001/plot")
    assert plot.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in plot.content


def test_the_resource_of_loops(ended: Opened) -> None:
    lab = lab_at(ended)
    viewer, researcher = client_of(lab, "viewer", "vi"), client_of(lab, "researcher")
    (listed,) = viewer.get("/api/v1/evolutions").json()["items"]
    assert (listed["id"], listed["keeps"], listed["status"]) == ("E-001", 2, "waiting")
    one = viewer.get("/api/v1/evolutions/E-001")
    assert one.json() == listed
    assert SECRET not in one.text
    first = viewer.get("/api/v1/evolutions/E-001/rounds", params={"limit": 3}).json()
    assert [row["number"] for row in first["items"]] == [4, 3, 2]
    rest = viewer.get("/api/v1/evolutions/E-001/rounds", params={"before": first["next"]}).json()
    assert [row["number"] for row in rest["items"]] == [1]
    assert viewer.post("/api/v1/evolutions/E-001/pause").status_code == 403
    for action, status in (("pause", "paused"), ("resume", "assigned"), ("stop", "stopped")):
        moved = researcher.post(f"/api/v1/evolutions/E-001/{action}")
        assert (moved.status_code, moved.json()["status"]) == (200, status)
    assert researcher.post("/api/v1/evolutions/E-001/resume").status_code == 409
    assert researcher.post("/api/v1/evolutions/E-404/pause").status_code == 404
    plot = viewer.get("/api/v1/evolutions/E-001/plot")
    assert plot.status_code == 200
    assert "sandbox" in plot.headers["content-security-policy"]


def test_a_kept_change_is_shown_against_the_program_before_it(ended: Opened) -> None:
    loop = ended.ledger.evolutions.get("E-001")
    (first,), (third,) = (change_of(ended.ledger, loop, number) for number in (1, 3))
    assert _gone(first) == ["SKILL = 0.5"]
    assert _gone(third) == ["SKILL = 0.8"]
    with pytest.raises(NotFound, match="kept no round 2"):
        change_of(ended.ledger, loop, 2)


def _gone(shown: FileDifference) -> list[str]:
    rows = [row for section in shown.sections for row in section.rows]
    return [row.old.text for row in rows if row.kind == "changed" and row.old]


def test_controls_have_pages_too(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(opened, tmp_path, "always_keep")
    asyncio.run(evolver(opened, monkeypatch, yes=True).advance("E-001"))
    page = client_of(lab_at(opened)).get("/evolutions/E-001").text
    assert "control: always keep" in page


def _comparison(low: float, gain: float, high: float) -> Comparison:
    return Comparison.model_construct(
        pairs=3, gain=gain, low=low, high=high, level=0.95, better=1, worse=1
    )


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS, _NUMBERS), min_size=1, max_size=8))
def test_bars_stay_in_their_drawing(bounds: list[tuple[float, float, float]]) -> None:
    gains = [_comparison(*three) for three in bounds]
    rows = [with_only(RoundRow, gain=gain) for gain in gains]
    edge = scale_of(rows)
    assert math.isfinite(edge)
    assert edge > 0
    noise = with_only(NoiseFloor, std=abs(bounds[0][0]), pairs=4)
    for gain in gains:
        bar = gain_bar(gain, noise if math.isfinite(noise.std) else None, edge)
        assert bar is not None
        for place in (bar.at, bar.low, bar.high, bar.middle + bar.noise):
            assert 0 <= place <= WIDTH


_TEXTS = st.text(st.sampled_from("ab \n\r\x0c\u2028é\0"), max_size=40)


@given(_TEXTS, _TEXTS)
def test_two_texts_side_by_side_are_whole(old: str, new: str) -> None:
    shown: Any = between("x.py", old, new)
    rows = [row for section in shown.sections for row in section.rows]
    assert (old == new) == (not rows)
    for side, text in (("old", old), ("new", new)):
        cells = [cell for row in rows if (cell := getattr(row, side)) is not None]
        lines = text.split("\n")
        assert all(1 <= cell.number <= len(lines) for cell in cells)
    come = sum(row.kind in ("added", "changed") for row in rows)
    assert shown.file.insertions == come
