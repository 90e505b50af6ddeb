"""What /proc tells of one process."""

from pathlib import Path


def fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the program's name, which may hold anything."""
    text = Path("/proc", str(pid), "stat").read_bytes().decode("utf-8", "replace")
    return text.rpartition(")")[2].split()


def started(pid: int) -> str | None:
    """When the process began, in ticks since the machine's start; None: it is gone or a zombie."""
    try:
        found = fields(pid)
    except OSError:
        return None
    return None if found[0] in ("Z", "X") else found[19]
