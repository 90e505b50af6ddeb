"""What stays and what goes: handing a ticket's results out, and freeing disk."""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from desk import commissions
from desk.loop_export import write_loop
from desk.office import Office
from desk.report import report
from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.commission import Commission
from labcrew.domain.evolution import Evolution
from labcrew.domain.experiment import Trial
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import InputError, StorageFull
from labcrew.settings import LONGEST_RETENTION_DAYS

if TYPE_CHECKING:
    from sandboxes.volumes.orphans import Leftover


_ENDED = ("done",)
_GIVEN_UP = (*_ENDED, "failed", "stopped")  # these two can be retried: see Office.retry
_LOOP_ENDED = ("done", "stopped")  # one that failed may be taken up again


class Exported(Model):
    """What was written, relative to the folder."""

    ticket: str
    folder: str
    files: tuple[str, ...]
    winner: str = ""


class Cleaned(Model):
    """What was, or would be, removed."""

    removed: tuple[str, ...]
    freed_bytes: int
    kept_because: str
    dry_run: bool


def export(office: Office, id: str, folder: Path) -> Exported:
    """Writes a ticket's or a loop's results to a folder.

    Of a ticket: report, records, merge requests, plots and the winner's files. Of a loop: see
    `write_loop`.

    Args:
        office: the home.
        id: of the ticket or loop.
        folder: made by this; must not hold anything.

    Raises:
        NotFound: there is no such ticket or loop.
        InputError: the folder is not empty.
        StorageFull: it can't be written.
    """
    found = commissions.get(office.ledger, id)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not empty.", "Name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(found, Evolution):
            write_loop(office.ledger, found, folder)
            winner = f"round {found.champion_round}" if found.champion_round else ""
        else:
            winner = ", ".join(_write_ticket(office, found, folder))
    except OSError as error:
        raise StorageFull(f"{folder} can't be written: {error.strerror or error}.") from error
    return Exported(
        ticket=id,
        folder=str(folder),
        files=tuple(sorted(beneath.paths(folder))),
        winner=winner,
    )


def _write_ticket(office: Office, assigned: AssignedTicket, folder: Path) -> tuple[str, ...]:
    """Writes a ticket's results; answers the winning trials. Raises OSError."""
    ledger, ticket = office.ledger, assigned.id
    winners = winning_trials(office, ticket)
    (folder / "report.md").write_text(report(ledger, assigned), encoding="utf-8")
    (folder / "ticket.json").write_text(assigned.model_dump_json(indent=2), encoding="utf-8")
    _lines(folder / "trials.jsonl", (t.model_dump_json() for t in ledger.trials.of(ticket)))
    _lines(folder / "events.jsonl", (e.model_dump_json() for e in ledger.events.of(ticket)))
    for request in ledger.merge_requests.of(ticket):
        (folder / f"{request.id}.md").write_text(request.description, encoding="utf-8")
        (folder / f"{request.id}.json").write_text(
            json.dumps(request.model_dump(mode="json"), indent=2), encoding="utf-8"
        )
    artefacts = office.home.artefacts(ticket)
    if artefacts.is_dir():
        beneath.copied(artefacts, folder / "artefacts")
    begun = _beginnings(ledger.trials.of(ticket), set(winners))
    for trial in (*winners, *sorted(begun - set(winners))):
        outputs = office.home.outputs(ticket, trial)
        if outputs.is_dir():
            beneath.copied(outputs, folder / "winner" / trial)
    return winners


def winning_trials(office: Office, ticket: str) -> tuple[str, ...]:
    """The trials that the newest merge request's settings were measured by, first seed first."""
    for request in reversed(office.ledger.merge_requests.of(ticket)):
        for key in ("validation_best_mean", "holdout_best_mean"):
            for item in request.evidence:
                if item.key == key:
                    return tuple(dict.fromkeys(score.trial for score in item.scores))
    return ()


def clean(
    office: Office, *, days: float | None = None, given_up: bool = False, dry_run: bool = False
) -> Cleaned:
    """Removes what ended tickets and loops left, but for what a merge request rests on.

    Args:
        office: the home.
        days: tickets whose last line is younger are kept; default: the setting retention_days.
        given_up: also failed and stopped tickets, of which a retry has nothing to go on from then.
        dry_run: only say what would go.

    Raises:
        InputError: the days are more than anyone waits.
    """
    days = office.settings.retention_days if days is None else days
    if not days <= LONGEST_RETENTION_DAYS:
        raise InputError(
            f"{days:g} days are too many.", f"At most {LONGEST_RETENTION_DAYS:g}, a century."
        )
    before = office.clock.now() - timedelta(days=days)
    ended = _GIVEN_UP if given_up else _ENDED
    removed: list[str] = []
    freed = 0
    for assigned in office.ledger.tickets.all():
        if assigned.status not in ended or not _older(office, assigned, before.isoformat()):
            continue
        for folder in _disposable(office, assigned):
            freed += beneath.size(folder)
            removed.append(folder.relative_to(office.home.root).as_posix())
            if not dry_run:
                shutil.rmtree(folder, ignore_errors=True)
    for loop in office.ledger.evolutions.all():
        if loop.status not in _LOOP_ENDED or not _older(office, loop, before.isoformat()):
            continue
        gone = _raw_outputs(office, loop.id)
        if gone:
            freed += sum(file.stat().st_size for file in gone)
            place = gone[0].parent.relative_to(office.home.root).as_posix()
            removed.append(f"{place}: {len(gone)} outputs")
        if not dry_run:
            for file in gone:
                file.unlink(missing_ok=True)
    if removed and not dry_run:
        office.ledger.events.append(
            ticket="",
            actor="worker",
            kind="home.cleaned",
            key=f"clean/{office.clock.now().isoformat()}",
            data={"folders": len(removed), "bytes": freed, "older_than_days": days},
        )
    return Cleaned(
        removed=tuple(removed),
        freed_bytes=freed,
        kept_because=(
            f"tickets and loops at work, {'' if given_up else 'tickets that can be retried, '}those"
            f" younger than {days:g} days, and what a merge request rests on"
        ),
        dry_run=dry_run,
    )


def clean_engine(*, dry_run: bool = False) -> "tuple[Leftover, ...]":
    """Removes containers, volumes and networks of homes that are gone from the engine.

    Args:
        dry_run: only say what would go.

    Raises EngineError.
    """
    from sandboxes.client import connect
    from sandboxes.volumes import orphans

    client = connect()
    try:
        left = orphans.left_behind(client)
        if not dry_run:
            orphans.free(client, left)
    finally:
        client.close()
    return left


def told(left: "tuple[Leftover, ...]", dry_run: bool) -> str:
    """What `clean_engine` did, for a person."""
    if not left:
        return "Nothing is left on the engine by homes that are gone."
    lines = []
    for item in left:
        lines.append(f"{item.home}, of {item.owner}:")
        lines += [f"  {name}" for name in (*item.containers, *item.volumes, *item.networks)]
    return "\n".join([*lines, "Would be removed." if dry_run else "Removed."])


def _disposable(office: Office, assigned: AssignedTicket) -> Iterator[Path]:
    requests = office.ledger.merge_requests.of(assigned.id)
    needed = {
        score.trial
        for request in requests
        for item in request.evidence
        for score in (*item.scores, *item.against)
    }
    needed |= _beginnings(office.ledger.trials.of(assigned.id), needed)
    outputs = office.home.root / "outputs" / assigned.id
    for folder in sorted(outputs.iterdir()) if outputs.is_dir() else []:
        if folder.name not in needed:
            yield folder
    # A merge request's plots and cleaned data lie there, and the logs its reported numbers are in.
    if assigned.status != "done" and not requests and office.home.artefacts(assigned.id).is_dir():
        yield office.home.artefacts(assigned.id)


def _raw_outputs(office: Office, loop: str) -> list[Path]:
    """What a loop's runs wrote, but for the runs that a merge request's numbers rest on."""
    ledger = office.ledger
    runs = {
        score.trial
        for request in ledger.merge_requests.of(loop)
        for item in request.evidence
        for score in (*item.scores, *item.against)
    }
    needed = {run.output_sha256 for run in ledger.scored_runs.some(runs).values()}
    folder = office.home.outputs(loop, "raw")
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.name not in needed)


def _beginnings(trials: Sequence[Trial], needed: set[str]) -> set[str]:
    """Trials whose checkpoints the needed ones began at, or planned ones will."""
    return {
        trial.rescue.checkpoint_of or trial.restarts
        for trial in trials
        if trial.rescue.checkpoint
        and (trial.id in needed or trial.status in ("planned", "running"))
    }


def _older(office: Office, commission: Commission, before: str) -> bool:
    events = office.ledger.events.of(commission.id)
    return bool(events) and events[-1].at.isoformat() < before


def _lines(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
