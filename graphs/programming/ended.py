"""What the writing of code tells the ticket's machine at its end."""

DONE = "done"
_SPENT = "over budget: "


def spent(because: str) -> str:
    """It stopped where the budget for models is used up, and can go on."""
    return _SPENT + because


def over_budget(ended: str) -> str:
    """Why it stopped, if the budget for models was used up; else nothing."""
    return ended.removeprefix(_SPENT) if ended.startswith(_SPENT) else ""
