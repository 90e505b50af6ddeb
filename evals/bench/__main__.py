"""`python -m evals.bench`: prints each figure with its bound and writes results/bench.json."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evals.bench.desk import desk_figures
from evals.bench.evolution import evolution_figure
from evals.bench.figures import RESULTS, Figure, Report, keep, show, this_machine
from evals.bench.incident_latency import incident_latency
from evals.bench.log_reading import log_figures
from evals.bench.many_runs import many_runs
from evals.bench.programming import programming_figure
from evals.bench.reading import reading_figure
from evals.bench.sandbox import sandbox_figures
from evals.bench.starting import help_start
from evals.bench.ticket import growth, overhead, ticket_cost
from labcrew.errors import LabcrewError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line: 1 where a figure is beyond its bound."""
    parser = argparse.ArgumentParser(prog="evals.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="interleaved starts")
    parser.add_argument("--trials", type=int, default=20, help="of the small ticket; twice: large")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of bench.json")
    parser.add_argument("--calls", type=int, default=200, help="sandboxed calls, one at a time")
    parser.add_argument(
        "--only",
        choices=["sandbox", "reading", "watching", "logs", "programming", "desk", "evolution"],
        help="leave out the other figures",
    )
    given = parser.parse_args(arguments)
    machine = this_machine()
    try:
        figures: tuple[Figure, ...] = ()
        if given.only in (None, "sandbox"):
            figures += sandbox_figures(given.calls)
        if given.only in (None, "reading"):
            figures += (reading_figure(),)
        if given.only in (None, "watching"):
            figures += (incident_latency(), many_runs())
        if given.only in (None, "logs"):
            figures += log_figures()
        if given.only in (None, "programming"):
            figures += (programming_figure(),)
        if given.only in (None, "desk"):
            figures += desk_figures()
        if given.only in (None, "evolution"):
            figures += (evolution_figure(4), evolution_figure(4, earlier=90))
        if given.only is None:
            start = help_start(given.rounds)
            small, large = ticket_cost(given.trials), ticket_cost(2 * given.trials)
            figures += (start, overhead(small), growth(small, large))
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    report = Report(machine=machine, figures=figures)
    show(report)
    keep(report, given.output, f"bench-{given.only}.json" if given.only else "bench.json")
    return 0 if all(figure.holds for figure in report.figures) else 1


if __name__ == "__main__":
    sys.exit(main())
