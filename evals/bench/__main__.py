"""`python -m evals.bench`: prints each figure with its bound and writes results/bench.json."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evals.bench.figures import RESULTS, Report, keep, show, this_machine
from evals.bench.starting import help_start
from evals.bench.ticket import growth, overhead, ticket_cost
from labcrew.errors import LabcrewError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 1 where a figure is beyond its bound."""
    parser = argparse.ArgumentParser(prog="evals.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="interleaved starts")
    parser.add_argument("--trials", type=int, default=20, help="of the small ticket; twice: large")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of bench.json")
    given = parser.parse_args(arguments)
    machine = this_machine()
    try:
        start = help_start(given.rounds)
        small, large = ticket_cost(given.trials), ticket_cost(2 * given.trials)
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    report = Report(machine=machine, figures=(start, overhead(small), growth(small, large)))
    show(report)
    keep(report, given.output, "bench.json")
    return 0 if all(figure.holds for figure in report.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
