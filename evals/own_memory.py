"""How much memory this very process takes, as the kernel counts it."""

from pathlib import Path
from typing import Literal

from labcrew.errors import LabcrewError


def own_memory_mib(field: Literal["VmRSS", "VmHWM"]) -> float:
    """MiB that are resident now, or were at most since the process began (proc(5)).

    Raises LabcrewError where the kernel doesn't tell.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise LabcrewError(f"The system does not tell {field} of a process.")
