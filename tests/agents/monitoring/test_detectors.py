"""Detectors: what must raise an alarm, what must not, and that memory stays constant."""

import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.detector import Maker
from agents.monitoring.detectors import DETECTORS
from labcrew.domain.monitoring import Alarm, Expectations, Observation, Usage

NAN, INF = math.nan, math.inf
EXPECTED = Expectations()


def observed(numbers: dict[str, float]) -> Observation:
    return Observation(at_s=0.0, text="", numbers=numbers)


def first_alarm(lines: list[dict[str, float]]) -> tuple[int, Alarm] | None:
    detectors = [make(EXPECTED) for make in DETECTORS]
    for position, numbers in enumerate(lines):
        for detector in detectors:
            alarm = detector.see(observed(numbers))
            if alarm is not None:
                return position, alarm
    return None


def losses(*values: float, name: str = "loss") -> list[dict[str, float]]:
    return [{"step": float(n), name: value} for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("lines", "position", "kind"),
    [
        (losses(1, NAN, NAN), 2, "not_finite"),
        (losses(NAN, NAN), 1, "not_finite"),
        (losses(1, INF, INF, name="val_loss"), 2, "not_finite"),
        (losses(50, INF, INF, name="rmse"), 2, "not_finite"),
        (losses(1, 0.5, 30, 40, 50, 60), 5, "diverged"),
        (losses(-5, -6, 300, 400, 500, 600, name="nll"), 5, "diverged"),
    ],
)
def test_what_has_gone_wrong_is_seen(
    lines: list[dict[str, float]], position: int, kind: str
) -> None:
    found = first_alarm(lines)
    assert found is not None
    assert (found[0], found[1].kind) == (position, kind)


@pytest.mark.parametrize(
    "lines",
    [
        losses(1, NAN, 1, NAN, 1),
        losses(1, NAN, 0.9),
        losses(INF, INF, INF, INF, name="best"),
        losses(1, 30, 30, 30, 0.9, 30, 30, 30),
        losses(1e-9, 5e-8, 5e-8, 5e-8, 5e-8),
        losses(0.1, 0.001, -3, -4, -5, -6, -7, name="nll"),
        losses(1, 100, 1000, 10_000, 100_000, name="tokens"),
        losses(1, 1.5, 1.9, 1.9, 1.9, 1.9),
        [{}] * 9,
    ],
)
def test_what_is_well_is_left_alone(lines: list[dict[str, float]]) -> None:
    assert first_alarm(lines) is None


def test_lines_without_numbers_do_not_break_a_row() -> None:
    assert first_alarm([{"loss": NAN}, {}, {}, {"loss": NAN}]) is not None


@pytest.mark.parametrize("make", DETECTORS)
def test_a_log_that_invents_names_fills_no_memory(make: Maker) -> None:
    detector = make(EXPECTED)
    sizes = []
    for number in range(5000):
        for name in (f"loss{number}", f"val_loss{number}", f"grad_norm{number}", f"acc{number}"):
            detector.see(observed({name: 1.0 + number % 7}))
        if number in (2500, 4999):
            sizes.append(len(pickle.dumps(detector)))
    assert sizes[1] < sizes[0] * 1.05 + 2000
    assert sizes[1] < 3_000_000


@given(st.lists(st.dictionaries(st.text(max_size=8), st.floats(), max_size=3), max_size=30))
def test_no_line_breaks_a_detector(lines: list[dict[str, float]]) -> None:
    first_alarm(lines)


@given(st.lists(st.floats(0.1, 1.9), max_size=60))
def test_noise_within_a_factor_of_twenty_is_no_divergence(values: list[float]) -> None:
    assert first_alarm(losses(*values)) is None


wild = st.builds(
    Observation,
    at_s=st.floats(0, 1e6),
    text=st.text(max_size=40) | st.sampled_from(["saved ckpt-1.pt", "No space left on device"]),
    numbers=st.dictionaries(
        st.sampled_from(["loss", "val_loss", "val_acc", "grad_norm", "lr", "data_time", "size"])
        | st.text(max_size=8),
        st.floats() | st.floats(0, 2),
        max_size=4,
    ),
    step=st.none() | st.integers(-5, 2**60),
    epoch=st.none() | st.floats(0, 9),
    done=st.none() | st.tuples(st.integers(0, 9), st.integers(1, 9)),
    rate=st.none() | st.floats(),
    batch=st.sampled_from(["", "shard-1", "shard-2"]) | st.text(max_size=300),
    saved=st.sampled_from(["", "ckpt-1.pt"]),
)
usages = st.builds(
    Usage,
    memory_bytes=st.integers(0, 2**40),
    memory_limit_bytes=st.integers(0, 2**40),
    cpu_s=st.floats(0, 1e6),
    disk_bytes=st.integers(0, 2**40),
    disk_limit_bytes=st.integers(0, 2**40),
    gpu_busy=st.none() | st.floats(0, 1),
)


@given(st.lists(wild | usages | st.none(), max_size=60))
def test_nothing_that_is_seen_breaks_a_detector(events: list[Observation | Usage | None]) -> None:
    detectors = [make(EXPECTED) for make in DETECTORS]
    now = 0.0
    for event in events:
        for detector in detectors:
            if isinstance(event, Observation):
                now = max(now, event.at_s)
                alarm = detector.see(event)
            else:
                alarm = detector.tick(now, event)
            if alarm is not None:
                assert len(alarm.diagnosis) < 1000
                assert len(alarm.subject) <= 200


@given(st.integers(1, 60), st.sampled_from([0.0, 0.37, 1.0, 2.5]))
def test_a_validation_loss_that_stands_still_is_no_alarm(lines: int, value: float) -> None:
    detectors = [make(EXPECTED) for make in DETECTORS]
    for number in range(lines // 2):
        seen = Observation(at_s=number, text="", numbers={"val_loss": value}, batch="shard-1")
        assert all(detector.see(seen) is None for detector in detectors)
