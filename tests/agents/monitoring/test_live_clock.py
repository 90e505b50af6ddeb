"""The time that detectors know: it stands while old lines are read."""

from agents.monitoring.live_clock import LiveClock


def read(clock: LiveClock, began: float, ended: float) -> None:
    clock.reads(began)
    clock.has_read(ended)


def test_it_stands_while_old_lines_are_read_and_goes_on_from_the_last_of_them() -> None:
    clock, now = LiveClock(100.0), 100.0
    for _ in range(500):  # ten seconds of reading, with hardly a moment between two pieces
        read(clock, now + 0.001, now + 0.02)
        now += 0.02
        assert clock.at_s(now) == 0
    clock.waits(now + 0.5)
    assert clock.at_s(now + 0.5) == 0
    clock.waits(now + 3)
    assert clock.at_s(now + 3) == 3
    read(clock, now + 4, now + 9)
    assert clock.at_s(now + 9) == 9, "what comes later is live, however long it is judged"


def test_a_run_that_is_watched_from_its_start_has_its_own_time() -> None:
    clock = LiveClock(100.0)
    clock.waits(103)
    assert clock.at_s(103) == 3
    read(clock, 105, 105.1)
    assert clock.at_s(105.1) == 105.1 - 100


def test_what_is_known_to_be_read_whole_is_live_at_once() -> None:
    clock = LiveClock(100.0)
    read(clock, 100, 107)
    clock.catches_up(107)
    clock.catches_up(108)
    assert clock.at_s(108) == 1
