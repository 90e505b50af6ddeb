"""Processes of this machine: telling a living engine, and running a command in the foreground."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from labcrew.errors import LabcrewError


def is_engine(pid: int) -> bool:
    """Whether the pid is a living dockerd: numbers are used again, and a zombie is no engine."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return fields[0] != "Z" and any(part.endswith(b"dockerd") for part in argv[:4])


def reap(pid: int) -> None:
    """Takes note of a child's end, so that it is no zombie; nothing for other processes."""
    with suppress(OSError):  # not a child of this process
        os.waitpid(pid, os.WNOHANG)


def run_to_end(command: Sequence[str]) -> int:
    """Runs a command to its end, handing on a request to stop; its exit code as a shell's."""
    pending: list[int] = []
    previous = {
        number: signal.signal(number, lambda received, frame: pending.append(received))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        try:
            process = subprocess.Popen(command)
        except OSError as error:
            raise LabcrewError(f"Could not run {command[0]}: {error.strerror}") from error
        asked: float | None = None
        while True:
            try:
                code = process.wait(0.2)
                return code if code >= 0 else 128 - code
            except subprocess.TimeoutExpired:
                pass
            if not pending:
                continue
            # A terminal's Ctrl-C has reached the command already: give it a moment first.
            asked = asked or time.monotonic()
            if pending[0] != signal.SIGINT or time.monotonic() - asked > 2:
                process.send_signal(pending.pop(0))
                asked = None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
