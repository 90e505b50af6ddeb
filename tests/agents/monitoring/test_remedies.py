"""Remedies: what a restart changes is legal, smaller, and told to the program."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.remedies import adjustable, remedy
from labcrew.domain.experiment import Rescue
from labcrew.domain.monitoring import Alarm
from labcrew.domain.search_space import distance, legal
from tests.spaces import settings_of, spaces
from tests.tickets import make_assigned, make_trial

DIVERGED = Alarm(kind="diverged", diagnosis="d", subject="shard-3")


@given(spaces(), st.sampled_from(["learning_rate", "batch_size"]), st.data())
def test_a_smaller_setting_is_legal_and_smaller(
    space: dict[str, Any], role: str, data: st.DataObject
) -> None:
    space = {name: p.model_copy(update={"role": role}) for name, p in space.items()}
    values = data.draw(settings_of(space))
    assigned = make_assigned(search_space={n: p.model_dump() for n, p in space.items()})
    action: Any = "restart_lower_rate" if role == "learning_rate" else "restart_smaller_batch"
    again = remedy(assigned, make_trial(1, values=values), action, DIVERGED, ())
    if role not in adjustable(space, values):
        assert again.values == values
        assert again.rescue != Rescue()
        return
    changed = [name for name in again.values if again.values[name] != values[name]]
    assert len(changed) == 1
    assert float(again.values[changed[0]]) < float(values[changed[0]])
    assert legal(space[changed[0]], again.values[changed[0]])
    assert distance(space, again.values, again.values) == 0
    assert again.rescue == Rescue()


def test_a_program_without_such_a_setting_is_told_by_variables() -> None:
    assigned, trial = make_assigned(), make_trial(1, values={})
    lower = remedy(assigned, trial, "restart_lower_rate", DIVERGED, ()).rescue
    assert lower.learning_rate_scale == 0.25
    again = make_trial(2, values={}, rescue=lower.model_dump())
    lower = remedy(assigned, again, "restart_lower_rate", DIVERGED, ()).rescue
    assert lower.learning_rate_scale == 0.0625
    assert remedy(assigned, trial, "restart_smaller_batch", DIVERGED, ()).rescue.batch_scale == 0.5
    clipped = remedy(assigned, again, "restart_clipped", DIVERGED, ()).rescue
    assert (clipped.gradient_clip, clipped.learning_rate_scale) == (1.0, 0.25)
    without = remedy(assigned, trial, "restart_without_batch", DIVERGED, ()).rescue
    assert without.without_batches == ("shard-3",)
    assert remedy(assigned, trial, "restart_with_memory", DIVERGED, ()).memory_mb == 1024
    assert remedy(assigned, trial, "restart_same", DIVERGED, ()).rescue == Rescue()


def test_a_search_takes_a_rate_that_was_healthy_elsewhere() -> None:
    assigned = make_assigned()
    healthy = [
        make_trial(n, 0.9, values={"lr": rate, "batch": 16})
        for n, rate in enumerate((0.001, 0.002, 0.004))
    ]
    again = remedy(
        assigned,
        make_trial(9, values={"lr": 0.1, "batch": 16}),
        "restart_lower_rate",
        DIVERGED,
        healthy,
    )
    assert again.values == {"lr": 0.002, "batch": 16}
