"""The data pipeline: profiles data, proposes rows to quarantine, cleans what was agreed."""

from collections.abc import Sequence

from pydantic import Field

from agents.quarantine import MOST_OF_A_FILE, QUARANTINE, left_alone, quarantine_question
from labcrew.domain.base import Model
from labcrew.domain.data_input import DataInput
from labcrew.domain.research import DatasetCard, QuarantinedRow, data_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import InputError
from labcrew.evidence import as_text
from labcrew.judgement import Judge
from tools.clean_data import CleanData, clean_data
from tools.profile_data import FileProfile, ProfileData, profile_data
from tools.toolbox import Toolbox

_TOLD = 400
_TOLD_MOST = 12


class DataReport(Model):
    """What the data are and which rows a person should decide about."""

    cards: tuple[DatasetCard, ...] = Field(description="`quarantined` holds what is proposed")
    problems: tuple[str, ...] = Field(description="what people should know, a sentence each")
    unread: dict[str, str] = Field(
        default_factory=dict,
        description="path of a file without a card → the kind of problem that it has",
    )
    data_hash: str = Field(description="over path and content of all files; empty: no files")
    by: str = Field(default="rule", description="who chose the rows: rule, or model:<name>")
    fallbacks: tuple[str, ...] = Field(default=(), description="why a model's answer was not used")


class DataPipeline:
    """Looks after the ticket's data.

    Args:
        judge: answers which doubtful rows to propose.
    """

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    async def profile(self, assigned: AssignedTicket, tools: Toolbox) -> DataReport:
        """Profiles all data files of the ticket and proposes rows to quarantine.

        A file that can't be read is a problem in the report, not an error.

        Raises:
            ToolError: the data could not be profiled at all.
        """
        if not assigned.ticket.data:
            return DataReport(cards=(), problems=(), data_hash="")
        profile = await tools.use(profile_data, ProfileData())
        problems = [problem.detail for problem in profile.problems]
        by_path = {file.path: file for file in profile.files}
        question, members = quarantine_question(profile.files)
        by, fallbacks = "rule", tuple[str, ...]()
        proposed: tuple[QuarantinedRow, ...] = ()
        if question.groups:
            verdict = await self._judge.ask(QUARANTINE, question)
            by, fallbacks = verdict.by, verdict.fallbacks
            left = set(verdict.answer.leave_in)
            proposed = tuple(
                row
                for key in dict.fromkeys(verdict.answer.groups)
                for row_key, row in members[key].items()
                if row_key not in left
            )
            problems += left_alone(question, {row.path for row in proposed})
        cards = tuple(
            _card(f"{assigned.id}-D{number:02d}", assigned.id, by_path[item.path], proposed)
            for number, item in enumerate(assigned.ticket.data, start=1)
            if item.path in by_path
        )
        return DataReport(
            cards=cards,
            problems=tuple(problems),
            unread={p.path: p.kind for p in profile.problems if p.path and p.path not in by_path},
            data_hash=data_hash(cards, cleaned=False),
            by=by,
            fallbacks=fallbacks,
        )

    async def clean(
        self,
        assigned: AssignedTicket,
        cards: Sequence[DatasetCard],
        accepted: Sequence[QuarantinedRow],
        tools: Toolbox,
    ) -> tuple[DatasetCard, ...]:
        """Makes cleaned copies without the rows that a person agreed to leave out.

        Args:
            assigned: the ticket.
            cards: as `profile` made them; the answer has the same, in the same order.
            accepted: rows to leave out; rows that were proposed and aren't here are readmitted.
            tools: for `clean_data`, which waits for the plan gate.

        Raises:
            InputError: a row was accepted that nobody proposed.
            ToolError: a file could not be cleaned, or has changed since it was profiled.
        """
        proposed = {(row.path, row.row) for card in cards for row in card.quarantined}
        chosen = {(row.path, row.row) for row in accepted}
        if chosen - proposed:
            path, row = sorted(chosen - proposed)[0]
            raise InputError(
                f"Row {row} of {path} was never proposed for quarantine.",
                "Accept rows from the proposal alone.",
            )
        done = []
        for card in cards:
            out = tuple(row.row for row in card.quarantined if (card.path, row.row) in chosen)
            back = tuple(sorted({row.row for row in card.quarantined} - set(out)))
            change: dict[str, object] = {
                "readmitted": back,
                "cleaned_sha256": None,
                "cleaned_rows": None,
            }
            if out:
                call = CleanData(path=card.path, sha256=card.sha256, rows=tuple(sorted(out)))
                cleaned = await tools.use(clean_data, call)
                change |= {"cleaned_sha256": cleaned.sha256, "cleaned_rows": cleaned.rows}
            done.append(card.model_copy(update=change))
        return tuple(done)


def report_problems(report: DataReport, assigned: AssignedTicket) -> list[str]:
    """What is wrong with a report, a sentence each; empty when it may be kept."""
    wanted = {item.path: item for item in assigned.ticket.data}
    cards = {card.path: card for card in report.cards}
    problems = [
        f"{path} is in the ticket, but has no profile."
        for path in wanted
        if path not in cards and path not in report.unread
    ]
    if len(cards) != len(report.cards):
        problems.append("A data file has two cards.")
    if report.data_hash != data_hash(report.cards, cleaned=False):
        problems.append("The data hash does not fit the cards.")
    for path, card in cards.items():
        item = wanted.get(path)
        if item is None:
            problems.append(f"{path} has a card, but is not in the ticket.")
        else:
            problems += _proposal_problems(card, item)
    return problems


def data_problems(report: DataReport, assigned: AssignedTicket) -> list[str]:
    """What is wrong with the data themselves, a sentence each: a person decides before a plan.

    A file that can't be read is none, for a run's data need not be tables.
    """
    problems = [
        f"{path} does not exist." for path, kind in report.unread.items() if kind == "missing"
    ]
    labels = {item.path: item.label for item in assigned.ticket.data}
    for card in report.cards:
        label, names = labels[card.path], {column.name for column in card.columns}
        if names and label is not None and label not in names:
            problems.append(f"{card.path} has no label column {label!r}.")
        if card.read and not card.rows:
            problems.append(f"{card.path} has no rows.")
    return problems + _whole_overlap(report.cards)


def left_to_people(cards: Sequence[DatasetCard]) -> list[str]:
    """What checks warn of and propose no row for, a sentence each: a person has to know of it.

    Args:
        cards: as `profile` or `clean` made them.
    """
    found = []
    for card in cards:
        proposed = {row.check for row in card.quarantined}
        for fault in card.faults:
            if fault.severity != "note" and fault.check not in proposed:
                rows = f"{fault.rows} " if fault.rows else ""
                found.append(f"{as_text(card.path)}: {rows}{as_text(fault.detail, _TOLD)}")
    more = len(found) - _TOLD_MOST
    rest = [f"{more} more warnings are on the data's cards"] if more > 0 else []
    return found[:_TOLD_MOST] + rest


def _proposal_problems(card: DatasetCard, item: DataInput) -> list[str]:
    rows = [row.row for row in card.quarantined]
    if not rows:
        return []
    problems = []
    if item.split != "train" or item.private:
        problems.append(f"Rows of {card.path} are proposed, but it is not a training file.")
    if (
        min(rows) < 0
        or max(rows) >= card.rows
        or any(r.path != card.path for r in card.quarantined)
    ):
        problems.append(f"A row is proposed that {card.path} does not have.")
    if len(set(rows)) != len(rows):
        problems.append(f"A row of {card.path} is proposed twice.")
    if len(rows) > MOST_OF_A_FILE * card.rows:
        problems.append(f"{len(rows)} of {card.rows} rows of {card.path} are proposed: too many.")
    return problems


def _whole_overlap(cards: Sequence[DatasetCard]) -> list[str]:
    """Splits that are the same file, or a training file of which every row is held out too."""
    problems = []
    for place, card in enumerate(cards):
        for other in cards[place + 1 :]:
            if card.sha256 == other.sha256 and card.split != other.split:
                problems.append(f"{card.path} and {other.path} are the same file.")
        leaked = max((f.rows for f in card.faults if f.check == "split_overlap"), default=0)
        if card.split == "train" and card.rows and leaked >= card.rows:
            problems.append(f"Every row of {card.path} also stands in another split.")
    return problems


def _card(
    id: str, ticket: str, file: FileProfile, proposed: Sequence[QuarantinedRow]
) -> DatasetCard:
    return DatasetCard(
        id=id,
        ticket=ticket,
        path=file.path,
        split=file.split,
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        rows=file.rows,
        columns=file.columns,
        label=file.label,
        label_counts=file.label_counts,
        faults=file.faults,
        quarantined=tuple(
            sorted((row for row in proposed if row.path == file.path), key=lambda row: row.row)
        ),
    )
