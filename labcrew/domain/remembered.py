"""What memory keeps of the ledger's records, said once, so that a rebuilt index equals the old."""

from labcrew.domain.experiment import Trial
from labcrew.domain.research import Finding, Lesson, MemoryRecord

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
    )


def record_of_trial(trial: Trial) -> MemoryRecord:
    """An ended trial (status in REMEMBERED_TRIALS) as memory keeps it: settings and outcome."""
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
        text=f"{trial.kind.replace('_', ' ')} trial on {trial.data} data with"
        f" {settings or 'the default settings'}, seed {trial.seed}: {outcome}",
        agent="experiment_launcher",
        ticket=trial.ticket,
        commit=trial.score.commit if trial.score else "",
        data_hash=trial.score.data_sha256 if trial.score else "",
    )
