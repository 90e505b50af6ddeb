"""A home: the folder where labcrew keeps everything, and the lock that gives it one owner."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labcrew.errors import InputError, LabcrewError


@dataclass(frozen=True)
class Home:
    """Where the ledger, LangGraph's checkpoints, the memory, repositories and artefacts lie."""

    root: Path

    @property
    def id(self) -> str:
        """Ten characters that mark this home's containers; drawn once by `create`."""
        return str(json.loads((self.root / "home.json").read_text())["id"])

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.root / 'ledger.db'}"

    @property
    def anchor(self) -> Path:
        return self.root / "ledger.head"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints.db"

    @property
    def memory(self) -> Path:
        return self.root / "memory"

    @property
    def repositories(self) -> Path:
        return self.root / "repositories"

    @property
    def tracking_url(self) -> str:
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def model_answers(self) -> Path:
        """What a language model answered the programs that self-evolution tried."""
        return self.root / "model-answers.db"

    @property
    def skills(self) -> Path:
        """The lab's skills, which people write."""
        return self.root / "skills"

    @property
    def access_file(self) -> Path:
        """Who may enter the board."""
        return self.root / "access.json"

    @property
    def settings_file(self) -> Path:
        return self.root / "labcrew.toml"

    def artefacts(self, ticket: str) -> Path:
        """The folder of one ticket's plots, cleaned data and reports."""
        return self.root / "artefacts" / ticket

    def model_calls(self, ticket: str) -> Path:
        """What was sent to chat models for a ticket, what they answered, and what is under way."""
        return self.artefacts(ticket) / "model-calls"

    def outputs(self, ticket: str, trial: str) -> Path:
        """What a trial left, as it left its sandbox."""
        return self.root / "outputs" / ticket / trial

    def exists(self) -> bool:
        return (self.root / "home.json").is_file()

    def create(self) -> bool:
        """Makes the home; False when it stood there already."""
        if self.exists():
            return False
        if self.root.exists() and any(self.root.iterdir()):
            raise InputError(
                f"{self.root} is not empty and not a labcrew home.",
                "Name another folder with --home, or an empty one.",
            )
        for folder in (self.root, self.memory, self.repositories):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        seed = f"{self.root.resolve()}:{os.urandom(8).hex()}"
        partial = self.root / "home.json.partial"
        partial.write_text(json.dumps({"id": hashlib.sha256(seed.encode()).hexdigest()[:10]}))
        partial.replace(self.root / "home.json")
        return True

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Holds the home for this process: the ledger's worker and Chroma have one owner.

        The kernel drops the lock when the process ends, however it ends.

        Raises:
            LabcrewError: another process owns it.
        """
        with (self.root / "owner.lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                owner = lock.read().strip() or "another process"
                raise LabcrewError(
                    f"{self.root} is in use by process {owner}.",
                    "Wait for it, stop it, or read with `labcrew ticket list` meanwhile.",
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield
