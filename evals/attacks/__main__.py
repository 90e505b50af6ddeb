"""`python -m evals.attacks [PART …]`: the battery on this machine, as a table or as JSON."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from evals.attacks.battery import Report
from evals.attacks.parts import chosen
from evals.attacks.running import run
from evals.attacks.table import complaints, documented, table
from labcrew.errors import LabcrewError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers its exit code: 0 all held, 4 a breach or a blunt control."""
    parser = argparse.ArgumentParser(prog="python -m evals.attacks", description=__doc__)
    parser.add_argument("part", nargs="*", help="default: all")
    parser.add_argument("--json", action="store_true", help="every finding, as JSON")
    parser.add_argument(
        "--keep", type=Path, help="write the report there as JSON; parts that were not run stay"
    )
    parser.add_argument(
        "--document", type=Path, action="append", default=[],
        help="put the table there, between its marks; may be repeated",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        report = run(chosen(given.part), Console(stderr=True))
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if given.keep and given.keep.exists():
        report = Report.model_validate_json(given.keep.read_bytes()).renewed(report)
    if given.keep:
        given.keep.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for document in given.document:
        text = document.read_text(encoding="utf-8")
        document.write_text(documented(text, report), encoding="utf-8")
    if given.json:
        print(report.model_dump_json(indent=2))
    else:
        Console().print(table(report))
        for line in complaints(report):
            print(line)
    return 0 if report.passed else 4


if __name__ == "__main__":
    sys.exit(main())
