"""A due time is one ticket: over restarts, kills, two processes, and clocks that go wrong."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.office import Office
from desk.schedules import Schedules, _times
from desk.wiring import Opened
from labcrew.domain.background import QuietHours
from labcrew.errors import BoundaryError, InputError, LabcrewError, NotFound, StorageFull
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.settings import Settings
from tests.desk.conftest import HandClock
from tests.doubles.faulty import Around

ROOT = Path(__file__).parents[3]
NIGHTLY = "0 3 * * *"


def schedules_of(opened: Opened, **quiet: Any) -> Schedules:
    return Schedules(opened.office(), QuietHours.model_validate(quiet))


def end_all(opened: Opened) -> None:
    for assigned in opened.ledger.tickets.all():
        done = assigned.model_copy(update={"status": "done"})
        opened.ledger.tickets.put(done, actor="coordinator")


def count(opened: Opened) -> int:
    return len(opened.ledger.tickets.all())


@pytest.fixture
def nightly(opened: Opened, toy: Path) -> Schedules:
    made = schedules_of(opened)
    made.add(toy / "ticket.md", NIGHTLY, "UTC", "ada")
    return made


def test_it_is_assigned_when_it_is_due_and_once(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    assert nightly.run_due() == []
    clock.pass_(hours=15)  # 03:00
    (assigned,) = nightly.run_due()
    assert assigned.source == "schedule S-001, due 2026-01-02T03:00:00+00:00"
    assert assigned.assigned_by == "ada"
    assert nightly.run_due() == schedules_of(opened).run_due() == []
    assert count(opened) == 1


def test_what_was_missed_is_caught_up_once(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    clock.pass_(days=10)
    (assigned,) = nightly.run_due()
    assert "due 2026-01-11T03:00" in assigned.source
    (ran,) = [e for e in opened.ledger.events.of(assigned.id) if e.kind == "schedule.ran"]
    assert ran.data["missed_before"] == 9
    end_all(opened)
    assert nightly.run_due() == []


@pytest.mark.parametrize("repository", ["~nosuchuser/x", "/" + "a" * 5000])
def test_a_repository_that_can_be_nowhere_is_noted(
    opened: Opened, clock: HandClock, toy: Path, repository: str
) -> None:
    (toy / "odd.md").write_text((toy / "ticket.md").read_text().replace("./toy", repository))
    made = schedules_of(opened)
    made.add(toy / "odd.md", NIGHTLY, "UTC", "ada")
    clock.pass_(days=1)
    assert made.run_due() == made.run_due() == []
    [noted] = [e for e in opened.ledger.events.of(None) if e.kind == "schedule.failed"]
    assert "no path that can be used here" in noted.data["because"]


def test_a_clock_that_is_moved_back_a_day_runs_nothing_again(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    clock.pass_(hours=16)
    nightly.run_due()
    end_all(opened)
    clock.pass_(days=-1)
    assert nightly.run_due() == []
    clock.pass_(hours=23)  # the same night again
    assert nightly.run_due() == []
    clock.pass_(hours=25)
    assert len(nightly.run_due()) == 1
    assert count(opened) == 2


def test_a_clock_that_was_once_far_ahead_silences_nothing(
    opened: Opened, clock: HandClock, nightly: Schedules, toy: Path
) -> None:
    clock.pass_(days=4000, hours=16)
    nightly.run_due()
    later = nightly.add(toy / "ticket.md", NIGHTLY, "UTC", "ada")
    end_all(opened)
    clock.pass_(days=-4000)
    assert nightly.run_due() == [], "what came due before the clock was set right"
    assert nightly.next_due(later) == datetime(2026, 1, 3, 3, tzinfo=UTC)
    clock.pass_(days=1)
    assert ["due 2026-01-03T03:00" in each.source for each in nightly.run_due()] == [True, True]
    end_all(opened)
    clock.at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=4000, hours=16)
    (assigned,) = nightly.run_due()  # the other's was run when the clock was ahead
    assert assigned.source.startswith(f"schedule {later.id}")
    assert nightly.run_due() == []


def test_of_very_many_that_were_missed_the_newest_is_caught_up(
    opened: Opened, clock: HandClock, toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desk.schedules._MOST_MISSED", 10)
    made = schedules_of(opened)
    made.add(toy / "ticket.md", "* * * * *", "UTC", "ada")
    clock.pass_(days=1)
    (assigned,) = made.run_due()
    assert "due 2026-01-02T12:00" in assigned.source
    end_all(opened)
    assert made.run_due() == []


def test_while_an_earlier_ticket_goes_no_other_is_begun(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    clock.pass_(days=1)
    (first,) = nightly.run_due()
    clock.pass_(days=1)
    assert nightly.run_due() == []
    assert [e.kind for e in opened.ledger.events.of(first.id)].count("schedule.skipped") == 1
    end_all(opened)
    assert nightly.run_due() == [], "a skipped time does not come back"
    clock.pass_(days=1)
    assert len(nightly.run_due()) == 1


def test_a_repository_that_is_gone_is_told_and_the_next_time_tried(
    opened: Opened, clock: HandClock, nightly: Schedules, toy: Path
) -> None:
    clock.pass_(days=1)
    (toy / "toy").rename(toy / "away")
    assert nightly.run_due() == []
    (failed,) = [e for e in opened.ledger.events.of() if e.kind == "schedule.failed"]
    assert "toy" in failed.data["because"]
    (toy / "away").rename(toy / "toy")
    clock.pass_(days=1)
    assert len(nightly.run_due()) == 1


@pytest.mark.parametrize(
    ("trouble", "noted"),
    [(BoundaryError("big holds too many files"), True), (StorageFull("The disk is full"), False)],
)
def test_a_schedule_that_cannot_be_run_holds_up_no_other(
    opened: Opened, clock: HandClock, toy: Path, trouble: LabcrewError, noted: bool
) -> None:
    shutil.copytree(toy / "toy", toy / "big")
    (toy / "big.md").write_text((toy / "ticket.md").read_text().replace("./toy", "./big"))
    real = opened.office()

    def take(name: str, repository: Path, commit: str, *, snapshot: bool) -> str:
        if repository.name == "big":
            raise trouble
        return real.repositories.take(name, repository, commit, snapshot=snapshot)

    watched: Any = Around(real.repositories, take=take)
    office = Office(opened.home, opened.ledger, clock, watched, opened.settings)
    made = Schedules(office, QuietHours())
    made.add(toy / "big.md", NIGHTLY, "UTC", "ada")
    made.add(toy / "ticket.md", NIGHTLY, "UTC", "ada")
    clock.pass_(days=1)
    if noted:
        assert len(made.run_due()) == 1
    else:  # it is told, and tried again at the next look
        with pytest.raises(StorageFull):
            made.run_due()
    (assigned,) = opened.ledger.tickets.all()
    assert assigned.source.startswith("schedule S-002")
    failed = [e.data["because"] for e in opened.ledger.events.of() if e.kind == "schedule.failed"]
    assert failed == (["big holds too many files"] if noted else [])


def test_all_that_cannot_be_run_are_told(opened: Opened, clock: HandClock, toy: Path) -> None:
    real = opened.office()

    def take(name: str, repository: Path, commit: str, *, snapshot: bool) -> str:
        raise StorageFull(f"No room for {name}")

    watched: Any = Around(real.repositories, take=take)
    made = Schedules(
        Office(opened.home, opened.ledger, clock, watched, opened.settings), QuietHours()
    )
    for _ in range(2):
        made.add(toy / "ticket.md", NIGHTLY, "UTC", "ada")
    clock.pass_(days=1)
    with pytest.raises(LabcrewError, match=r"(?s)S-001: No room for .*S-002: No room for ") as told:
        made.run_due()
    assert told.value.exit_code == StorageFull.exit_code


def test_quiet_hours_put_it_off(opened: Opened, clock: HandClock, nightly: Schedules) -> None:
    quiet = schedules_of(opened, start="22:00", end="07:00")
    clock.pass_(hours=15)  # 03:00
    assert quiet.run_due() == []
    clock.pass_(hours=4)  # 07:00
    assert len(quiet.run_due()) == 1


def test_a_removed_one_comes_due_no_more(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    nightly.remove("S-001", "ada")
    clock.pass_(days=2)
    assert nightly.run_due() == []
    with pytest.raises(NotFound):
        nightly.remove("S-009", "ada")


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("", "UTC"), ("0 25 * * *", "UTC"), ("0 3 30 2 *", "UTC"), (NIGHTLY, "Mars/Olympus"),
     (NIGHTLY, "../../etc/passwd"), ("* * * * * * *", "UTC"), ("0 0 3 * * *", "UTC")],
)  # fmt: skip
def test_times_that_never_come_are_refused(opened: Opened, toy: Path, cron: str, zone: str) -> None:
    with pytest.raises(InputError):
        schedules_of(opened).add(toy / "ticket.md", cron, zone, "ada")


@pytest.mark.parametrize(
    ("cron", "start", "hours"),
    [
        # Clocks go from 02:00 to 03:00 on 2026-03-29: half past two is not there, and run at once.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # They go from 03:00 back to 02:00 on 2026-10-25: half past two comes twice, and runs once.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
    ],
)
def test_summer_time(cron: str, start: str, hours: list[str]) -> None:
    after = datetime.fromisoformat(start).replace(tzinfo=UTC)
    found = _times(cron, "Europe/Berlin", after)
    assert [next(found).strftime("%Y-%m-%dT%H:%M") for _ in hours] == hours


@given(st.lists(st.integers(-3 * 86_400, 3 * 86_400), max_size=12))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_due_time_is_run_twice_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory, toy: Path, jumps: list[int]
) -> None:
    clock = HandClock()
    home = Home(tmp_path_factory.mktemp("home"))
    home.create()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        opened = Opened(home, Settings(), ledger, clock)
        made = schedules_of(opened)
        made.add(toy / "ticket.md", NIGHTLY, "UTC", "ada")
        for jump in jumps:
            clock.at += timedelta(seconds=jump)
            made.run_due()
            end_all(opened)
        sources = [ticket.source for ticket in ledger.tickets.all()]
        assert len(sources) == len(set(sources)) <= len(jumps)


DRIVER = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from desk.schedules import Schedules
from desk.wiring import Opened
from labcrew.domain.background import QuietHours
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.settings import Settings
from tests.desk.conftest import HandClock
root, dies = Path(sys.argv[1]), sys.argv[2]
clock, home = HandClock(), Home(root)
clock.pass_(days=1)
with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
    made = Schedules(Opened(home, Settings(), ledger, clock).office(), QuietHours())
    if dies == "inside":
        real = made._settle
        def settle(*given):
            real(*given)
            os.kill(os.getpid(), signal.SIGKILL)
        made._settle = settle
    if dies == "before":
        def settle(*given):
            os.kill(os.getpid(), signal.SIGKILL)
        made._settle = settle
    made.run_due()
    if dies == "after":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def driver(root: Path, dies: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(root), dies], env=environment)


@pytest.mark.parametrize("dies", ["before", "inside", "after"])
def test_a_process_that_is_killed_leaves_one_ticket_or_none(
    opened: Opened, clock: HandClock, nightly: Schedules, dies: str
) -> None:
    assert driver(opened.home.root, dies).wait() == -signal.SIGKILL
    assert count(opened) == (1 if dies == "after" else 0)
    clock.pass_(days=1)
    nightly.run_due()
    assert count(opened) == 1


def test_two_processes_at_once_assign_one(
    opened: Opened, clock: HandClock, nightly: Schedules
) -> None:
    running = [driver(opened.home.root, "never") for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert count(opened) == 1
