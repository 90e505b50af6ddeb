"""Many look at the morning report; it is written once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from desk.morning import Morning, morning
from desk.views import overnight
from desk.views.overnight import Overnight
from desk.wiring import Opened
from labcrew.errors import InputError, LabcrewError
from tests.desk.conftest import HandClock


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The reports that were written."""
    made: list[Any] = []

    def counted(*given: Any) -> Morning:
        made.append(given)
        return morning(*given)

    monkeypatch.setattr(overnight, "morning", counted)
    return made


def test_it_is_written_once_and_anew_when_something_happened(
    opened: Opened, clock: HandClock, written: list[Any]
) -> None:
    desk = Overnight(opened.ledger, clock)
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: desk.report("12h"), range(8)))
    assert reports == [reports[0]] * 8
    assert len(written) == 1
    opened.ledger.events.append(ticket="", actor="rule", kind="x.y", key="k", data={})
    desk.report("12h")
    clock.pass_(minutes=2)
    assert desk.report("12h").until == clock.now()
    assert len(written) == 3


def test_what_can_not_be_written_is_said(opened: Opened, clock: HandClock) -> None:
    desk = Overnight(opened.ledger, clock, wait_s=0.01)
    with pytest.raises(InputError):
        desk.report("soon")
    desk._turn.acquire()
    with pytest.raises(LabcrewError, match="being written"):
        desk.report("12h")
