"""A process that runs already."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcrew.errors import InputError, NotFound
from tools.followers.log_file import LogFile
from tools.followers.notifier import Notifier
from tools.followers.process import Process, pid_of


@pytest.fixture
def notifier() -> Iterator[Notifier]:
    made = Notifier()
    yield made
    made.close()


def test_it_tells_of_memory_cpu_and_the_end(tmp_path: Path, notifier: Notifier) -> None:
    program = (
        "import time; b = bytearray(40 << 20)\nt = time.process_time()\n"
        "while time.process_time() < t + 0.2: pass\nprint('up', flush=True); input()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    run.stdout.readline()
    log = LogFile(tmp_path / "a.log", notifier, 1)
    process = Process(run.pid, log)
    usage = process.usage()
    assert usage is not None
    assert usage.memory_bytes > 40 << 20
    assert usage.cpu_s >= 0.19
    assert process.ended(100) is None
    run.communicate(b"\n", timeout=30)
    ended = process.ended(0)
    assert ended is not None
    assert ended.exit_code is None, "nobody but its parent knows it"
    assert process.usage() is None
    with pytest.raises(NotFound):
        Process(run.pid, log)
    process.close()


def test_a_zombie_has_ended(tmp_path: Path, notifier: Notifier) -> None:
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(run.pid, LogFile(tmp_path / "a.log", notifier, 1))
    assert run.stdin is not None
    run.stdin.write(b"\n")
    run.stdin.close()
    while process.ended(0) is None:
        pass
    run.wait(30)
    process.close()


@pytest.mark.parametrize("text", ["", "0", "-1", "12x", "99999999999", "\uff11"])
def test_what_is_no_process_id(text: str) -> None:
    with pytest.raises(InputError):
        pid_of(text)
