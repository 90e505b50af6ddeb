"""Single shots drawn anew until the tests pass or the budget is used up: the loop's control."""

from collections.abc import Callable, Mapping

from evals.repair.arms.single import SAMPLED, single_shot
from evals.repair.attempt import Proposal
from evals.repair.catalogue import Task
from evals.repair.metered import MeteredChat
from labcrew.domain.chat import Manner


async def sampled(
    task: Task, model: MeteredChat, passes: Callable[[Mapping[str, str]], bool], seed: int
) -> Proposal:
    """The first shot that passes, else the last that changed anything; the first is not drawn.

    Args:
        model: its account says when the budget is used up, and what all of it took.
        passes: runs the task's tests on files, as the loop may.
        seed: of what is drawn.
    """
    best, seconds, number = None, 0.0, 0
    tried: list[Mapping[str, str]] = [task.files]
    while best is None or (model.account.left and model.account.lost is None):
        drawn = Manner(temperature=SAMPLED, seed=1000 * seed + number)
        shot = await single_shot(task, model.in_manner(drawn) if number else model)
        number, seconds = number + 1, seconds + shot.seconds
        whole = {**task.files, **shot.files}
        if whole not in tried:
            tried.append(whole)
            best = shot
            if passes(shot.files):
                break
        best = best or shot
    return best.model_copy(update={"seconds": seconds, "steps": number})
