"""Makes the memory's index anew from the ledger."""

from typing import TYPE_CHECKING

from labcrew.domain.remembered import (
    REMEMBERED_TRIALS,
    record_of_finding,
    record_of_knowledge,
    record_of_lesson,
)
from labcrew.domain.research import Memory
from labcrew.trial_records import records_of_trials

if TYPE_CHECKING:
    from labcrew.ledger import Ledger


def rebuild(memory: Memory, ledger: "Ledger") -> int:
    """Empties the memory and fills it from the ledger: findings, lessons, ended trials, and what
    drafts learnt.

    Args:
        memory: may be damaged; `clear` must cope with that.
        ledger: where the records come from.

    Returns:
        How many records the memory holds now.
    """
    records = [record_of_finding(finding) for finding in ledger.findings.all()]
    records += [record_of_lesson(lesson) for lesson in ledger.lessons.all()]
    records += [record_of_knowledge(known) for known in ledger.knowledge.all()]
    ended = (trial for trial in ledger.trials.all() if trial.status in REMEMBERED_TRIALS)
    records += records_of_trials(ledger, ended)
    memory.clear()
    memory.remember(records)
    return len({(record.scope, record.key) for record in records})
