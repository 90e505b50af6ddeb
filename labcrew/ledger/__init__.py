"""The ledger: the truth about every ticket, append-only and hash-chained.

    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()) as ledger:
        with ledger.transaction():
            ledger.trials.put(trial, actor="experiment_launcher", kind="trial.started")
            ledger.events.append(ticket=..., actor=..., kind=..., key=..., data={...})

- **Records** are typed documents, a table a kind. Each change adds a line with the document's
  hash; putting the same document again does nothing.
- **Events** are the lines. Each has a key, so that a re-run adds nothing, and a hash that covers
  the line before it. The newest line is anchored in a small file outside the database.
- **Effects** are what happens in the world: an intent, then its outcome; `once` brings them
  together, and after a crash looks in the world before it does anything again.
- **Leases** keep a ticket to one worker. A fencing token that only grows tells a worker that was
  thought dead from the one that took over: `fenced(lease)` refuses the first one's writes.

Everything that changes runs in one write transaction at a time, which reads the head before it
appends. SQLite is the default; any database that SQLAlchemy reaches and that has transactions
and row locks works by its URL.

Read schema.py (what is kept), records.py and effects.py (how), store.py (one commit), verify.py.
"""

from labcrew.ledger.effects import Effects
from labcrew.ledger.events import Events
from labcrew.ledger.leases import Lease
from labcrew.ledger.ledger import Ledger
from labcrew.ledger.records import Records
from labcrew.ledger.schema import Effect

__all__ = ["Effect", "Effects", "Events", "Lease", "Ledger", "Records"]
