"""What memory keeps of the ledger's records, said once, so that a rebuilt index equals the old."""

from pathlib import PurePath

from labcrew.domain.draft import Knowledge
from labcrew.domain.experiment import Trial
from labcrew.domain.research import Finding, Lesson, MemoryRecord
from labcrew.domain.ticket import AssignedTicket

REMEMBERED_TRIALS = frozenset({"finished", "scored", "failed", "stopped"})


def record_of_finding(finding: Finding) -> MemoryRecord:
    """A finding as memory keeps it: its claim; what a paper says rests on no commit or data."""
    return MemoryRecord(
        id=finding.id,
        scope="findings",
        text=finding.claim,
        agent="literature_review",
        ticket=finding.ticket,
        commit="",
        data_hash="",
    )


def record_of_lesson(lesson: Lesson) -> MemoryRecord:
    """A lesson as memory keeps it; it lapses with the code or data that it rests on."""
    return MemoryRecord(
        id=lesson.id,
        scope="lessons",
        text=lesson.text,
        agent="coordinator",
        ticket=lesson.ticket,
        commit=lesson.code_hash,
        data_hash=lesson.data_hash,
        repository=lesson.repository,
    )


def record_of_trial(trial: Trial, assigned: AssignedTicket, data: str) -> MemoryRecord:
    """An ended trial (status in REMEMBERED_TRIALS) as memory keeps it: settings and outcome.

    With or without a score it lapses with its ticket's code and data.

    Args:
        assigned: the trial's ticket.
        data: hash over the ticket's data as it came, also where the trial saw it cleaned.
    """
    where = PurePath(assigned.repository).name
    settings = ", ".join(f"{name}={value}" for name, value in sorted(trial.values.items()))
    if trial.score is not None:
        source = "score" if trial.score.source == "evaluator" else "reported metric"
        outcome = f"{trial.score.split} {source} {trial.score.value:g}"
    elif trial.result is not None:
        outcome = f"{trial.status}: {trial.result.reason}"
    else:
        outcome = trial.status
    return MemoryRecord(
        id=trial.id,
        scope="trials",
        text=f"{where}: {trial.kind.replace('_', ' ')} trial on {trial.data} data with"
        f" {settings or 'the default settings'}, seed {trial.seed}: {outcome}",
        agent="experiment_launcher",
        ticket=trial.ticket,
        commit=assigned.base_commit,
        data_hash=data,
        repository=assigned.repository,
    )


def record_of_knowledge(known: Knowledge) -> MemoryRecord:
    """What a draft learnt of a repository, as memory keeps it: how it runs, and how it varies."""
    command = known.candidate.run.command
    told = f"{PurePath(known.repository).name}: `{command}` runs: {known.environment.because}"
    if known.noise is not None:
        noise = known.noise
        told = f"{told.rstrip('.')}. A run takes {noise.run_s:.3g} s; {noise.metric}"
        if noise.deterministic and not noise.seeds_matter:
            told += " is the same in every run."
        else:
            by = "with the seed" if noise.seeds_matter else "from run to run"
            told += f" varies {by} by {noise.std:.3g} (standard deviation)."
    return MemoryRecord(
        id=known.id,
        scope="lessons",
        text=told,
        agent="experiment_launcher",
        ticket=known.draft,
        commit=known.commit,
        data_hash="",
        repository=known.repository,
    )
