"""The first bad commit of a line of commits, by as few trials as can be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "bad", "unknown"]


@dataclass(frozen=True)
class Bisected:
    """How a bisection ended.

    Args:
        first_bad: the first bad commit; None where no bad one was found or trials ran out.
        suspects: the commits among which the first bad one is, oldest first; one where it is found.
        verdicts: what each trial gave, in order.
        complete: whether nothing more can be told.
    """

    first_bad: str | None
    suspects: tuple[str, ...]
    verdicts: tuple[tuple[str, Verdict], ...]
    complete: bool


def bisect(commits: Sequence[str], try_one: Callable[[str], Verdict], most: int = 40) -> Bisected:
    """Finds the first bad commit.

    Args:
        commits: oldest first; the first is good and the last is bad, which is not tried again.
        try_one: runs one; "unknown" where it can't be told.
        most: trials.
    """
    known: dict[int, Verdict] = {0: "good", len(commits) - 1: "bad"}
    tried: list[tuple[str, Verdict]] = []
    good, bad = 0, len(commits) - 1
    while len(tried) < most:
        open_ = [i for i in range(good + 1, bad) if i not in known]
        if not open_:
            break
        middle = (good + bad) / 2
        at = min(open_, key=lambda i: (abs(i - middle), i))
        verdict = try_one(commits[at])
        known[at] = verdict
        tried.append((commits[at], verdict))
        if verdict == "good":
            good = at
        elif verdict == "bad":
            bad = at
    suspects = tuple(commits[good + 1 : bad + 1])
    unknown_left = any(i not in known for i in range(good + 1, bad))
    return Bisected(
        first_bad=suspects[0] if len(suspects) == 1 else None,
        suspects=suspects,
        verdicts=tuple(tried),
        complete=not unknown_left,
    )
