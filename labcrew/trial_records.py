"""Ended trials as memory keeps them, with what the ledger knows of their tickets."""

from collections.abc import Iterable, Iterator

from labcrew.domain.experiment import Trial
from labcrew.domain.remembered import record_of_trial
from labcrew.domain.research import MemoryRecord, data_hash
from labcrew.domain.ticket import AssignedTicket
from labcrew.ledger import Ledger


def records_of_trials(ledger: Ledger, trials: Iterable[Trial]) -> Iterator[MemoryRecord]:
    """A record for each trial; tickets and their data are read once."""
    known: dict[str, tuple[AssignedTicket, str]] = {}
    for trial in trials:
        if trial.ticket not in known:
            cards = ledger.datasets.of(trial.ticket)
            data = data_hash(cards, cleaned=False)
            known[trial.ticket] = (ledger.tickets.get(trial.ticket), data)
        yield record_of_trial(trial, *known[trial.ticket])
