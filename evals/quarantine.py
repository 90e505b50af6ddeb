"""How well the data checks find planted flaws: `python -m evals.quarantine examples/digits`.

The folder holds a ticket.md, the repository's files in repository/, and planted.csv (id, kind): the
truth, which the checks never see. Rows count as found where the rule would propose them. The
checks are labcrew's own and the files the maker's own, so this runs outside a sandbox.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from agents.quarantine import SURE
from labcrew.domain.base import Model
from labcrew.domain.data_input import DataInput
from labcrew.domain.research import QuarantinedRow
from labcrew.errors import InputError
from labcrew.ticket_file import read_ticket
from tools.profile_data import FileProfile, parse_profile

_SCRIPT = Path(__file__).parents[1] / "sandboxes" / "image" / "inside" / "profile_data.py"


class Kind(Model):
    """One kind of planted flaw: how many there are and how many were found."""

    kind: str
    planted: int
    found: int


class Measured(Model):
    """What the checks found against what was planted."""

    kinds: tuple[Kind, ...]
    false_alarms: dict[str, int]
    proposed: int

    @property
    def precision(self) -> float:
        """The share of proposed rows that are planted flaws; 1 where nothing is proposed."""
        right = sum(kind.found for kind in self.kinds)
        return right / self.proposed if self.proposed else 1.0

    @property
    def recall(self) -> float:
        """The share of planted flaws that are proposed; 1 where nothing is planted."""
        planted = sum(kind.planted for kind in self.kinds)
        return sum(kind.found for kind in self.kinds) / planted if planted else 1.0


def measure(doubtful: Sequence[QuarantinedRow], truth: dict[str, str]) -> Measured:
    """Compares rows with the truth.

    Args:
        doubtful: as profiling answers them; only the sure ones count.
        truth: a row's id → the kind of flaw that was planted in it.
    """
    proposed = [row for row in doubtful if row.confidence >= SURE]
    found = Counter(truth[row.id] for row in proposed if row.id in truth)
    return Measured(
        kinds=tuple(
            Kind(kind=kind, planted=count, found=found[kind])
            for kind, count in sorted(Counter(truth.values()).items())
        ),
        false_alarms=dict(Counter(row.check for row in proposed if row.id not in truth)),
        proposed=len(proposed),
    )


def profile_folder(root: Path, data: Sequence[DataInput]) -> tuple[FileProfile, ...]:
    """Runs the sandbox's own script over files beneath a folder. Raises InputError."""
    entries = [
        item.model_dump(mode="json") | {"source": str((root / item.path).resolve())}
        for item in data
    ]
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "spec.json")
        spec.write_text(json.dumps({"files": entries}))
        done = subprocess.run(
            [sys.executable, str(_SCRIPT), str(spec)], capture_output=True, text=True
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(
            f"The data could not be profiled: {last}",
            "This evaluation needs the development requirements (polars).",
        )
    return parse_profile(done.stdout, tuple(data)).files


def report(measured: Measured) -> str:
    """The measurement as a table."""
    lines = [f"{'planted':<20}{'rows':>6}{'found':>7}{'recall':>8}"]
    lines += [
        f"{kind.kind:<20}{kind.planted:>6}{kind.found:>7}{kind.found / kind.planted:>8.2f}"
        for kind in measured.kinds
    ]
    alarms = ", ".join(f"{count} {check}" for check, count in sorted(measured.false_alarms.items()))
    return "\n".join(
        [
            *lines,
            f"proposed {measured.proposed}, precision {measured.precision:.3f},"
            f" recall {measured.recall:.3f}; false alarms: {alarms or 'none'}",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints precision and recall for a folder with planted flaws."""
    parser = argparse.ArgumentParser(prog="python -m evals.quarantine", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--truth", type=Path, help="default: planted.csv in the folder")
    given = parser.parse_args(arguments)
    with (given.truth or given.folder / "planted.csv").open(newline="") as file:
        truth = {row["id"]: row["kind"] for row in csv.DictReader(file)}
    data = read_ticket(given.folder / "ticket.md").data
    files = profile_folder(given.folder / "repository", data)
    print(report(measure([row for file in files for row in file.doubtful], truth)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
