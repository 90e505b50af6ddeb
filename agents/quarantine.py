"""Which doubtful rows to propose for quarantine: the data pipeline's one judgement."""

from collections.abc import Sequence

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.research import QuarantinedRow
from labcrew.judgement import Judgement
from tools.profile_data import FileProfile

SURE = 0.5
MOST_OF_A_FILE = 0.2
_SHOWN_ROWS = 60
_EXAMPLES = 3


class DoubtGroup(Model):
    """Rows of one file that one check doubts, the sure and the unsure ones apart."""

    key: str
    path: str
    check: str
    rows: int
    confidence_least: float = Field(ge=0, le=1)
    confidence_most: float = Field(ge=0, le=1)
    examples: tuple[str, ...] = Field(description="reasons of a few rows: untrusted text")


class DoubtfulRow(Model):
    """One of the least sure rows, which may be left in although its group is proposed."""

    key: str
    group: str
    reason: str = Field(description="untrusted text")
    confidence: float = Field(ge=0, le=1)


class QuarantineQuestion(Model):
    """Which doubtful rows to propose to a person for leaving out of training."""

    file_rows: dict[str, int] = Field(description="training file → its rows")
    groups: tuple[DoubtGroup, ...]
    least_sure: tuple[DoubtfulRow, ...]
    most_of_a_file: float = Field(description="the largest share of a file that may be proposed")


class QuarantineAnswer(Model):
    """Groups to propose, and single rows of them to leave in."""

    groups: tuple[str, ...] = Field(description="keys of groups")
    leave_in: tuple[str, ...] = Field(default=(), description="keys of rows")


def _propose_sure(question: QuarantineQuestion) -> QuarantineAnswer:
    """All groups that are sure, but nothing of a file of which too much is doubtful."""
    sure = [group for group in question.groups if group.confidence_least >= SURE]
    return QuarantineAnswer(
        groups=tuple(
            group.key
            for group in sure
            if not _too_many(
                question, group.path, sum(g.rows for g in sure if g.path == group.path)
            )
        )
    )


def _trouble(question: QuarantineQuestion, answer: QuarantineAnswer) -> str | None:
    groups = {group.key: group for group in question.groups}
    unknown = [key for key in answer.groups if key not in groups]
    if unknown:
        return f"there is no group {unknown[0][:40]!r}"
    rows = {row.key: row.group for row in question.least_sure}
    strange = [key for key in answer.leave_in if key not in rows]
    if strange:
        return f"there is no row {strange[0][:40]!r} among the least sure ones"
    for path in question.file_rows:
        taken = sum(groups[key].rows for key in set(answer.groups) if groups[key].path == path)
        left = sum(
            rows[key] in answer.groups and groups[rows[key]].path == path
            for key in set(answer.leave_in)
        )
        if _too_many(question, path, taken - left):
            return f"that is more than {question.most_of_a_file:.0%} of {path}"
    return None


def _too_many(question: QuarantineQuestion, path: str, rows: int) -> bool:
    return rows > question.most_of_a_file * question.file_rows[path]


QUARANTINE: Judgement[QuarantineQuestion, QuarantineAnswer] = Judgement(
    name="data_pipeline.quarantine",
    agent="data_pipeline",
    answer=QuarantineAnswer,
    rule=_propose_sure,
    prompt=(
        "You look after the data of a machine-learning lab. Checks doubt rows of training files."
        " Choose the groups of rows to propose for leaving out of training; a person decides."
        " Copies of validation or holdout rows, duplicates and contradictory labels spoil a"
        " result; rare but honest rows do not. Name single rows to leave in where their reason"
        " does not convince you."
    ),
    check=_trouble,
    reads=lambda q: ("data",),
)


def quarantine_question(
    files: Sequence[FileProfile],
) -> tuple[QuarantineQuestion, dict[str, dict[str, QuarantinedRow]]]:
    """The question that profiles raise, and for each group its rows by key.

    Args:
        files: as `profile_data` answers them.
    """
    grouped: dict[tuple[str, str, bool], list[QuarantinedRow]] = {}
    for file in files:
        for row in file.doubtful:
            grouped.setdefault((row.path, row.check, row.confidence >= SURE), []).append(row)
    groups, members = [], dict[str, dict[str, QuarantinedRow]]()
    for number, ((path, check, _), rows) in enumerate(grouped.items(), start=1):
        key = f"G{number}"
        members[key] = {f"{key}:{row.row}": row for row in rows}
        groups.append(
            DoubtGroup(
                key=key,
                path=path,
                check=check,
                rows=len(rows),
                confidence_least=min(row.confidence for row in rows),
                confidence_most=max(row.confidence for row in rows),
                examples=tuple(row.reason[:120] for row in rows[:_EXAMPLES]),
            )
        )
    each = [
        DoubtfulRow(key=key, group=group, reason=row.reason[:120], confidence=row.confidence)
        for group, rows_of in members.items()
        for key, row in rows_of.items()
    ]
    question = QuarantineQuestion(
        file_rows={file.path: file.rows for file in files if file.doubtful},
        groups=tuple(groups),
        least_sure=tuple(sorted(each, key=lambda row: row.confidence)[:_SHOWN_ROWS]),
        most_of_a_file=MOST_OF_A_FILE,
    )
    return question, members


def left_alone(question: QuarantineQuestion, proposed: set[str]) -> list[str]:
    """Says of which files too much is doubtful for anything to be proposed."""
    problems = []
    for path, total in question.file_rows.items():
        sure = sum(g.rows for g in question.groups if g.path == path and g.confidence_least >= SURE)
        if path not in proposed and _too_many(question, path, sure):
            problems.append(
                f"{sure} of {total} rows of {path} are doubtful, more than"
                f" {question.most_of_a_file:.0%}: none is proposed; look at the file itself."
            )
    return problems
