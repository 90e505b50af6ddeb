"""What the writing of code tells the ticket's machine at its end."""

DONE = "done"
_SPENT, _STEPS = "over budget: ", "out of steps: "


def spent(because: str) -> str:
    """It stopped where the budget for models is used up, and can go on."""
    return _SPENT + because


def over_budget(ended: str) -> str:
    """Why it stopped, if the budget for models was used up; else nothing."""
    return ended.removeprefix(_SPENT) if ended.startswith(_SPENT) else ""


def out_of_steps(used: int) -> str:
    """It stopped where the budget's steps are used up, and can go on."""
    return f"{_STEPS}{used}"


def steps_used(ended: str) -> int:
    """How many steps it had taken, if it stopped because they were used up; else none."""
    return int(ended.removeprefix(_STEPS)) if ended.startswith(_STEPS) else 0
