"""`labcrew watch --attach`: supervision of runs that labcrew did not start."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desk.cli.common import DONE, FAILED, console, printable

if TYPE_CHECKING:
    from desk.attach_wanted import Wanted
    from desk.attaching import Attaching
    from labcrew.domain.monitoring import Expectations


def supervise(
    home: Path | None,
    wanted: "Wanted",
    expected: "Expectations",
    by: str,
    *,
    once: bool,
    lines: bool,
) -> int:
    """Supervises until the runs end or Ctrl-C; answers the exit code.

    Args:
        once: judge what is there and end.
        lines: tell as JSON, a line each.
    """
    from desk.attaching import Attaching
    from desk.models import build_judge
    from desk.wiring import open_home

    told: list[str] = []

    def tell(word: str, value: dict[str, Any]) -> None:
        from desk.attach_view import said

        if lines:
            plain = {k: v.model_dump(mode="json") if hasattr(v, "model_dump") else v
                     for k, v in value.items()}  # fmt: skip
            sys.stdout.write(json.dumps({"event": word, **plain}) + "\n")
            sys.stdout.flush()
            return
        line = f"{opened.clock.now():%H:%M:%S} {said(word, value)}"
        told.append(line)
        if not live:
            sys.stdout.write(printable(line) + "\n")
            sys.stdout.flush()

    live = not lines and not once and console().is_terminal
    with open_home(home, create=True) as opened:
        judge = build_judge(opened.settings)
        with Attaching(opened, wanted, expected, judge, by, tell) as attaching:
            try:
                if once:
                    attaching.once()
                elif live:
                    _live(attaching, told)
                else:
                    attaching.watch()
            except KeyboardInterrupt:
                attaching.leave("the watch was interrupted; the run goes on")
            if live:
                for line in told:
                    sys.stdout.write(printable(line) + "\n")
            return FAILED if any(run.troubled for run in attaching.runs) else DONE


def _live(attaching: "Attaching", told: list[str]) -> None:
    from rich.live import Live

    from desk.attach_view import table

    with Live(console=console(), auto_refresh=False, transient=True) as live:
        live.update(table(attaching.runs, told), refresh=True)
        attaching.watch(lambda: live.update(table(attaching.runs, told), refresh=True))
