"""Which of a run's checkpoints it may go on from."""

from collections.abc import Iterable

from labcrew.domain.monitoring import Checkpoint


def last_good(
    checkpoints: Iterable[Checkpoint], since_step: int | None, before: float | None = None
) -> Checkpoint | None:
    """The newest checkpoint that loads, is finite and was saved while the run was healthy.

    One whose numbers could not be looked at counts as finite; one that tells no step is judged by
    its time alone.

    Args:
        since_step: the last step that was surely healthy; None: not known.
        before: when the trouble was first seen, in Unix seconds; None: not known.
    """

    def healthy(one: Checkpoint) -> bool:
        if not one.loads or one.finite is False:
            return False
        if since_step is not None and one.step is not None:
            # Its name may count epochs where the log counts steps: then its time tells.
            return one.step <= since_step and (before is None or one.modified_at < before)
        if before is not None:
            return one.modified_at < before
        # With nothing known of when it went wrong, being whole and finite is all there is to ask.
        return since_step is None

    known = list(checkpoints)
    # What stands beside checkpoints of a known format, in none, is something else.
    formats = [one for one in known if one.kind != "other"]
    good = [one for one in formats or known if healthy(one)]
    return max(
        good,
        key=lambda one: (one.step is not None, one.step or 0, one.modified_at, one.path),
        default=None,
    )
