"""What raising a budget is: it is for an approver, wherever it is asked for."""

from labcrew.domain.budget import Budget


def raised(before: Budget, after: Budget) -> tuple[str, ...]:
    """The fields of a budget that allow more than they did; None is no bound."""
    old, new = before.model_dump(), after.model_dump()
    return tuple(
        name
        for name in Budget.model_fields
        if old[name] != new[name]
        and (new[name] is None or (old[name] is not None and new[name] > old[name]))
    )
