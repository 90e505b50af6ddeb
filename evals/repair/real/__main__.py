"""Makes a lab: rank-bm25 0.2.1 from the package index (Apache-2.0) as a repository, and a ticket.

    python -m evals.repair.real FOLDER [empty|saturation]
    labcrew run FOLDER/ticket.md

Both faults are the library's own. empty: it divides by the number of documents, and of words.
saturation: BM25L multiplies by a word's frequency once too often, in two places (Lv and Zhai, "When
documents are very long, BM25 fails!", SIGIR 2011, equation 7).
"""

import argparse
import shutil
import sys
from pathlib import Path

from evals.repair.stand import committed
from evals.repositories.catalogue import Sdist
from evals.repositories.fetch import fetch, unpack
from labcrew.errors import LabcrewError

RANK_BM25 = Sdist(
    package="rank_bm25==0.2.1",
    file="rank_bm25-0.2.1.tar.gz",
    sha256="51d8bc4556efd386298f9d076d4a7f20d50046acc93e37ef79243f515b9914b9",
    keep=("rank_bm25.py", "setup.py", "README.md"),
)


TICKETS = ("empty", "saturation")


def make_lab(folder: Path, which: str = "empty") -> Path:
    """The ticket's path, with the repository beside it.

    Args:
        folder: is made; must not hold the lab already.
        which: of TICKETS.

    Raises:
        FileExistsError: it does.
        EnvironmentBroken: the package index does not have the library.
    """
    repository = folder / "rank_bm25"
    repository.mkdir(parents=True)
    unpack(fetch(RANK_BM25), RANK_BM25, repository)
    committed(repository, "rank-bm25 0.2.1")
    ticket = folder / "ticket.md"
    shutil.copyfile(Path(__file__).with_name(f"{which}.md"), ticket)
    return ticket


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="it is made")
    parser.add_argument("which", nargs="?", choices=TICKETS, default=TICKETS[0])
    given = parser.parse_args()
    if given.folder.exists():
        parser.error(f"{given.folder} is there already")
    try:
        print(make_lab(given.folder, given.which))
    except LabcrewError as error:
        sys.exit(str(error))
