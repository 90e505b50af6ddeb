"""Commands on schedules: add, list, remove, run-due."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from desk.cli.common import ByOption, HomeOption, JsonOption, answer, group, guarded

if TYPE_CHECKING:
    from desk.schedules import Schedules
    from desk.wiring import Opened
    from labcrew.domain.background import Schedule

app = group("Tickets that are assigned on time, by `labcrew up` and `labcrew board`.")


@app.command()
@guarded
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE.md", help="The ticket; kept as it is now.")],
    cron: Annotated[
        str, typer.Option(metavar='"MIN HOUR DAY MONTH WEEKDAY"', help='e.g. "0 3 * * *".')
    ],
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="Whose wall clock, e.g. Europe/Berlin.")
    ] = "UTC",
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Assign a ticket again and again."""
    from desk.wiring import open_home, person

    with open_home(home, create=True) as opened:
        schedules = _schedules(opened)
        made = schedules.add(file, cron, timezone, by or person())
        shown = _shown(schedules, made)
    answer(shown, as_json, lambda: f"{made.id} comes due next at {shown['next_due']}.")


@app.command("list")
@guarded
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show schedules and when they come due."""
    from desk.wiring import open_home

    with open_home(home) as opened:
        schedules = _schedules(opened)
        shown = [_shown(schedules, each) for each in schedules.active()]

    def lines() -> str:
        told = [
            f"{each['id']}  {each['cron']} {each['timezone']}  next {each['next_due']}"
            f"  last {each['last_ticket'] or 'never'}  {each['title']}"
            for each in shown
        ]
        return "\n".join(told) or "There is no schedule."

    answer({"schedules": shown}, as_json, lines)


@app.command()
@guarded
def remove(
    schedule: Annotated[str, typer.Argument(metavar="SCHEDULE", help="e.g. S-001")],
    by: ByOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a schedule; tickets that it assigned stay."""
    from desk.wiring import open_home, person

    with open_home(home) as opened:
        removed = _schedules(opened).remove(schedule, by or person())
    answer({"schedule": removed.id}, as_json, lambda: f"{removed.id} is removed.")


@app.command("run-due")
@guarded
def run_due(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Assign what is due now, once; for a cron of your own, without `labcrew up`."""
    from desk.wiring import open_home

    with open_home(home) as opened:
        made = _schedules(opened).run_due()
    told = "\n".join(f"Assigned {each.id}: {each.ticket.title}" for each in made)
    answer({"tickets": made}, as_json, lambda: told or "Nothing is due.")


def _schedules(opened: "Opened") -> "Schedules":
    from desk.schedules import Schedules

    return Schedules(opened.office(), opened.settings.quiet_hours)


def _shown(schedules: "Schedules", schedule: "Schedule") -> dict[str, Any]:
    due = schedules.next_due(schedule)
    shown = schedule.model_dump(mode="json", exclude={"text"})
    return shown | {"next_due": due.isoformat(timespec="minutes") if due is not None else "never"}
