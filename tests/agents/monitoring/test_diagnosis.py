"""Which alarm is the cause of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.diagnosis import EXPLAINS, cause, explained, reason
from labcrew.domain.monitoring import Alarm, IncidentKind


def alarm(kind: IncidentKind, since: int | None = None, confidence: float = 0.8) -> Alarm:
    return Alarm(kind=kind, diagnosis="it is so", since_step=since, confidence=confidence)


@pytest.mark.parametrize(
    ("kinds", "right"),
    [
        (("loss_spike", "gradient_explosion", "diverged", "not_finite"), "gradient_explosion"),
        (("not_finite", "corrupt_batch"), "corrupt_batch"),
        (("loss_spike", "diverged", "not_finite"), "diverged"),
        (("slowed", "data_starved"), "data_starved"),
        (("memory_rising", "crashed", "out_of_memory"), "memory_rising"),
        (("crashed", "storage_full"), "storage_full"),
        (("disk_filling", "storage_full", "crashed"), "disk_filling"),
        (("train_validation_contradiction", "metric_jump"), "metric_jump"),
        (("no_metric", "crashed"), "crashed"),
        (("overfitting",), "overfitting"),
    ],
)
def test_what_explains_the_others_is_the_cause(
    kinds: tuple[IncidentKind, ...], right: IncidentKind
) -> None:
    alarms = [alarm(kind) for kind in kinds]
    found = cause(alarms)
    assert found.kind == right
    assert len(explained(found, alarms)) == len(kinds) - 1


def test_what_began_later_is_no_cause() -> None:
    early, late = alarm("diverged", since=100), alarm("corrupt_batch", since=180)
    assert cause([early, late]) is early


def test_a_doubtful_alarm_explains_nothing_surer() -> None:
    doubtful = alarm("data_starved", confidence=0.4)
    assert cause([alarm("slowed"), doubtful]).kind == "slowed"


def test_of_strangers_the_surest_is_taken() -> None:
    surer = alarm("overfitting", confidence=0.9)
    assert cause([alarm("disk_filling", confidence=0.8), surer]) is surer


def test_without_alarms_there_is_no_cause() -> None:
    with pytest.raises(ValueError, match="no alarm"):
        cause([])


def test_no_two_kinds_explain_each_other() -> None:
    for kind, effects, _ in EXPLAINS:
        assert kind not in effects
        for effect in effects:
            assert not reason(alarm(effect), alarm(kind)), (kind, effect)


kinds = st.sampled_from([kind for kind, _, _ in EXPLAINS])
some = st.builds(alarm, kinds, st.none() | st.integers(0, 99), st.floats(0, 1))


@given(st.lists(some, min_size=1, max_size=8))
def test_the_cause_is_one_of_them_and_none_explains_it_alone(alarms: list[Alarm]) -> None:
    assert cause(alarms) in alarms
