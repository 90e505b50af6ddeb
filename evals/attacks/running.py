"""The battery in a throw-away home, telling what it does while it does it."""

import logging
from collections.abc import Sequence

from rich.console import Console

from evals.attacks.battery import Report, attack
from evals.attacks.probe import Finding, Part


def run(parts: Sequence[Part], console: Console) -> Report:
    """Runs parts in a throw-away home and shows what each probe does as it does it.

    Raises:
        EngineUnavailable: no Docker engine answers.
    """
    from evals.lab import bare_bench

    def seen(part: str, finding: Finding) -> None:
        counts[part] = counts.get(part, 0) + 1
        if finding.verdict != "held" and "control" not in part:
            console.print(f"{finding.verdict.upper()} {part}: {finding.probe}", markup=False)
        status.update(f"{part}: {counts[part]} probes, now {finding.probe}")

    # That a hostile file was left out is what the probes look at, and no news.
    logging.getLogger("sandboxes").setLevel(logging.ERROR)
    counts: dict[str, int] = {}
    with bare_bench() as bench, console.status("the battery begins …") as status:
        return attack(bench, parts, seen)
