"""Coverage's view of a test's child processes: the lines that they run count as run."""

import copy
from collections.abc import Mapping

import coverage


def measured(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a child, which is measured if this process is.

    Coverage's own hook at Python's start reads it; forked children and `os._exit` are followed too.

    Args:
        environment: what the child has otherwise.
    """
    running = coverage.Coverage.current()
    if running is None:
        return dict(environment)
    config = copy.copy(running.config)
    config.parallel = True  # a data file for each process; pytest-cov puts them together at its end
    config.patch = ["_exit", "fork"]
    return {**environment, "COVERAGE_PROCESS_CONFIG": config.serialize()}
