"""What a plan is told of earlier trials: those on its own repository, lapsed ones as lapsed."""

from typing import Any

from langgraph.runtime import Runtime

from graphs.nodes.closing import reflect
from graphs.nodes.preparation import recalled
from graphs.work import Work
from labcrew.domain.ticket import AssignedTicket
from tests.packets import CARD
from tests.tickets import failed, make_assigned, make_trial

NEAR = {"title": "lab: search trial with lr=0.1, seed 0", "question": "on original data?"}


def taken_up(work: Work, id: str, **changes: str) -> AssignedTicket:
    assigned = make_assigned(**NEAR).model_copy(update={"id": id} | changes)
    work.ledger.tickets.put(assigned, actor="person:ada")
    card = CARD.model_copy(update={"id": f"{id}-D01", "ticket": id, "cleaned_sha256": "c" * 64})
    work.ledger.datasets.put(card, actor="data_pipeline")
    return assigned


async def ended(work: Work, id: str, **changes: str) -> None:
    """A ticket with a failed trial and one on cleaned data, kept in memory."""
    taken_up(work, id, **changes)
    for trial in (
        failed(make_trial(0, id=f"{id}-000", ticket=id)),
        make_trial(1, 0.5, id=f"{id}-001", ticket=id, data="cleaned"),
    ):
        work.ledger.trials.put(trial, actor="log_monitor")
    state: Any = {"ticket": id, "outcome": "closed"}
    await reflect(state, Runtime(context=work))


async def told(work: Work) -> list[str]:
    assigned = taken_up(work, "T-0009")
    tools = work.toolbox("coordinator", assigned, "plan/0")
    return [text for text in await recalled(work, assigned, tools) if " trial on " in text]


async def test_a_trial_on_the_same_code_and_data_holds_cleaned_or_not(work: Work) -> None:
    await ended(work, "T-0002")
    first, second = sorted(await told(work), key=lambda text: "cleaned" in text)
    assert first.endswith("seed 0: failed: loss is nan")
    assert second.endswith("on cleaned data with batch=8, lr=0.1, seed 0: validation score 0.5")


async def test_a_failed_trial_lapses_with_its_code(work: Work) -> None:
    await ended(work, "T-0002", base_commit="e" * 40)
    texts = await told(work)
    assert len(texts) == 2
    assert all(text.endswith("(lapsed: the code or data has changed since)") for text in texts)


async def test_another_repositorys_trials_are_not_told(work: Work) -> None:
    await ended(work, "T-0002", repository="/other/lab")
    assert await told(work) == []


async def test_other_repositories_trials_crowd_none_of_its_own_out(work: Work) -> None:
    for number in range(30):
        await ended(work, f"T-1{number:03}", repository="/other/lab")
    await ended(work, "T-9000")
    assert len(await told(work)) == 2
