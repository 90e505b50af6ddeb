"""The main job, end to end: `make demo`.

Makes a git repository of examples/digits, assigns its ticket, lets the crew work with every gate
answered by --yes, shows and checks the merge request, and puts plain Optuna beside it at equal
budget.
"""

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent / ".labcrew-dev" / "demo"
console = Console(width=110 if not sys.stdout.isatty() else None)


def labcrew(
    *arguments: str, show: bool = True, quiet: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs the command as a user would, in the demo's own home."""
    if not quiet:
        console.print(f"\n[bold]$ labcrew {' '.join(arguments)}[/]")
    variables = os.environ | {"LABCREW_HOME": str(PLACE / "home"), "LABCREW_USER": "demo"}
    command = [str(Path(sys.executable).parent / "labcrew"), *arguments]
    return subprocess.run(
        command, env=variables, cwd=PLACE, text=True, stdout=None if show else subprocess.PIPE
    )


def answer(*arguments: str) -> Any:
    """What a command says in JSON."""
    return json.loads(labcrew(*arguments, "--json", show=False, quiet=True).stdout)


def quarantine_quality(branch: str) -> tuple[int, int, int]:
    """How many planted rows were found, of how many, and how many others were taken out."""
    planted = {row["id"]: row for row in csv.DictReader((HERE / "digits/planted.csv").open())}
    # Of two copies that contradict each other either may go.
    partners = {row["copy_of"] for row in planted.values() if row["kind"] == "conflict"}
    listed = subprocess.run(
        ["git", "-C", str(PLACE / "digits"), "show", f"{branch}:experiments/T-001/quarantine.csv"],
        text=True,
        capture_output=True,
        check=True,
    ).stdout
    taken = {row["id"] for row in csv.DictReader(listed.splitlines())}
    found = sum(
        1
        for name, row in planted.items()
        if name in taken or (row["kind"] == "conflict" and row["copy_of"] in taken)
    )
    return found, len(planted), len(taken - set(planted) - partners)


def holdout(request: dict[str, Any], key: str) -> list[float]:
    """The holdout scores behind one number of the merge request, one a seed."""
    item = next(e for e in request["evidence"] if e["key"] == key)
    return [score["value"] for score in item["scores"]]


def spelt(values: list[float]) -> str:
    return f"{statistics.fmean(values):.4f} ± {statistics.stdev(values):.4f}"


def main() -> int:
    """Answers 0 when the job was done and its claims hold."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    subprocess.run(
        [sys.executable, str(HERE / "make_repository.py"), "digits", str(PLACE)], check=True
    )
    console.print(f"A git repository and its ticket are in {PLACE}")

    done = labcrew("run", "ticket.md", "--yes")
    if done.returncode != 0:
        return done.returncode
    request = answer("mr", "show", "T-001")["merge_request"]
    console.rule("the merge request")
    console.print(Markdown(request["description"]))
    verified = labcrew("mr", "verify", "T-001", "--rerun")
    merge = ["git", "-C", "digits", "merge", "--quiet", "--ff-only", request["commit"]]
    console.print(f"\n[bold]$ {' '.join(merge)}[/]   (main is checked out, so it is yours to do)")
    subprocess.run(merge, cwd=PLACE, check=True)
    labcrew("mr", "merge", "T-001")
    sound = labcrew("ledger", "verify")

    console.rule("plain Optuna at equal budget: same runs, seeds, space, sandbox and evaluator")
    control = subprocess.run(
        [sys.executable, "-m", "evals.optuna_control", str(PLACE / "ticket.md"), "--json"],
        text=True,
        stdout=subprocess.PIPE,
        cwd=HERE.parent,
    )
    if control.returncode != 0:
        return control.returncode
    beside = json.loads(control.stdout)

    baseline = holdout(request, "holdout_baseline_mean")
    best = holdout(request, "holdout_best_mean")
    found, planted, wrong = quarantine_quality(request["branch"])
    trials = answer("ticket", "show", "T-001")["trials"]
    stopped = [t for t in trials if t["status"] == "stopped"]
    rescued = [t for t in trials if t["restarts"] and t["status"] == "scored"]
    used = sum(t["status"] != "skipped" for t in trials)
    table = Table(title="digits: holdout accuracy, mean ± standard deviation over 3 seeds")
    for column in ("", "holdout", "each seed", "runs"):
        table.add_column(column)
    for name, values, runs in (
        ("the program as it is", baseline, len(baseline)),
        ("plain Optuna", [s["holdout"] for s in beside["seeds"]], beside["runs"]),
        ("labcrew", best, used),
    ):
        table.add_row(name, spelt(values), " ".join(f"{v:.4f}" for v in values), str(runs))
    console.print(table)
    console.print(
        f"quarantine: {found} of {planted} planted rows found (recall {found / planted:.2f}),"
        f" {wrong} others taken out (precision {found / max(1, found + wrong):.2f})"
    )
    console.print(f"runs stopped by the log monitor: {len(stopped)}, rescued: {len(rescued)}")
    for trial in rescued:
        console.print(f"  {trial['id']} is {trial['because']}: {trial['score']['value']:.4f}")
    gain = statistics.fmean(best) - statistics.fmean(baseline)
    spread = statistics.stdev(best) + statistics.stdev(baseline)
    console.print(f"gain on the holdout {gain:+.4f}, seeds' spread {spread:.4f}")
    claims = {
        "the gain is larger than the seeds' spread": gain > spread,
        "at least one trial diverged and was rescued": bool(rescued),
        "every number was computed again": verified.returncode == 0,
        "the ledger is sound": sound.returncode == 0,
    }
    for claim, holds in claims.items():
        console.print(f"[{'green' if holds else 'red'}]{'holds' if holds else 'FAILS'}[/]  {claim}")
    return 0 if all(claims.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
