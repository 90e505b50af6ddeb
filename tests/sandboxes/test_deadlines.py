"""Deadlines are kept while nobody watches, and after labcrew was killed."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labcrew.domain.sandbox import Limits
from sandboxes import hardening
from sandboxes.deadlines import Deadlines
from sandboxes.docker_sandboxes import DockerSandboxes
from tests.sandboxes.fixtures import Workshop

SHORT = Limits(memory_mb=64, timeout_s=2)
LONG = Limits(memory_mb=64, timeout_s=300)
STARTS = """
import os, signal, sys
from pathlib import Path
from labcrew.domain.sandbox import Limits, SandboxSpec
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.images import base_tag
from sandboxes.git.repositories import GitRepositories
sandboxes = DockerSandboxes(sys.argv[1], GitRepositories(Path(sys.argv[2])))
sandboxes.start(SandboxSpec(
    name="late", purpose="trial", ticket="T-1", image=base_tag(), command=("sleep", "600"),
    limits=Limits(memory_mb=64, timeout_s=float(sys.argv[3]))))
os.kill(os.getpid(), signal.SIGKILL)
"""


RUNS = (
    STARTS.replace("sandboxes.start(", "threading.Thread(target=sandboxes.run, args=(")
    .replace("float(sys.argv[3]))))", "float(sys.argv[3]))),)).start()")
    .replace("import os,", "import threading, time, os,")
    .replace(
        "os.kill(", "while sandboxes.status('late').state != 'running': time.sleep(0.05)\nos.kill("
    )
)


def until(done: Callable[[], bool], within_s: float = 120) -> bool:
    end = time.monotonic() + within_s
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def keepers_of(home: str) -> list[int]:
    """Processes of this machine that keep a home's deadlines, or wait to."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if home.encode() in words and any(b"keep_alone" in word for word in words):
            found.append(int(folder.name))
    return found


@pytest.fixture
def home(workshop: Workshop) -> Iterator[str]:
    name = f"test{uuid.uuid4().hex[:10]}"
    yield name
    left = DockerSandboxes(name, workshop.repositories, workshop.sandboxes.client)
    left.clean_orphans(set())
    left.close()


def test_a_run_that_nobody_watches_is_stopped(workshop: Workshop) -> None:
    late = workshop.spec("late", "trap '' TERM; sleep 600 & wait; sleep 600", limits=SHORT)
    patient = workshop.spec("patient", "sleep 600", limits=LONG)
    for spec in (late, patient):
        workshop.sandboxes.start(spec)
    assert until(lambda: workshop.sandboxes.status(late.name).state == "exited")
    assert workshop.sandboxes.status(patient.name).state == "running"


def test_a_run_is_stopped_after_labcrew_was_killed(
    workshop: Workshop, home: str, tmp_path: Path
) -> None:
    other = workshop.spec("others", "sleep 600", limits=LONG)
    workshop.sandboxes.start(other)
    arguments = [sys.executable, "-c", STARTS, home, str(tmp_path), "3"]
    done = subprocess.run(arguments, env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    left = DockerSandboxes(home, workshop.repositories, workshop.sandboxes.client)
    assert left.status("late").state == "running"
    assert len(keepers_of(home)) == 1
    assert until(lambda: left.status("late").state == "exited")
    assert until(lambda: not keepers_of(home))  # it ends when nothing of its home runs
    assert workshop.sandboxes.status(other.name).state == "running"
    left.close()


def test_a_call_that_was_waited_for_is_stopped_after_labcrew_was_killed(
    workshop: Workshop, home: str, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", RUNS, home, str(tmp_path), "3"]
    done = subprocess.run(arguments, env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    left = DockerSandboxes(home, workshop.repositories, workshop.sandboxes.client)
    assert until(lambda: left.status("late").state == "exited")
    left.close()


def test_another_container_of_the_name_has_a_deadline_of_its_own(workshop: Workshop) -> None:
    deadlines = Deadlines(workshop.sandboxes.client, workshop.sandboxes.home_id)
    deadlines.add("again", 5)
    deadlines.add("again", 300)
    assert 200 < deadlines.keep() < 302
    deadlines.forget("again")
    assert deadlines.keep() == float("inf")


def test_a_run_that_was_late_at_the_start_is_stopped_then(
    workshop: Workshop, home: str, tmp_path: Path
) -> None:
    arguments = [sys.executable, "-c", STARTS, home, str(tmp_path), "4"]
    subprocess.run(arguments, env=os.environ, check=False)
    for pid in keepers_of(home):
        os.kill(pid, signal.SIGKILL)  # a reboot of the host, but for the engine
    time.sleep(4)
    again = DockerSandboxes(home, workshop.repositories, workshop.sandboxes.client)
    assert again.status("late").state == "running"
    assert again.clean_orphans({"late"}) == ()
    assert until(lambda: again.status("late").state == "exited")
    again.close()


def test_a_process_that_ends_leaves_no_other_behind(workshop: Workshop, home: str) -> None:
    sandboxes = DockerSandboxes(home, workshop.repositories, workshop.sandboxes.client)
    sandboxes.start(workshop.spec("x", "true"))
    assert len(keepers_of(home)) == 1
    sandboxes.close()
    assert until(lambda: not keepers_of(home))


def test_a_home_stops_its_own_only(workshop: Workshop, home: str) -> None:
    spec = workshop.spec("theirs", "sleep 600", limits=LONG)
    workshop.sandboxes.start(spec)
    deadlines = Deadlines(workshop.sandboxes.client, home)
    assert deadlines.adopt() == 0
    deadlines.add(workshop.sandboxes.container_name(spec.name), -60)
    assert deadlines.keep() == float("inf")
    assert workshop.sandboxes.status(spec.name).state == "running"
    mine = Deadlines(workshop.sandboxes.client, workshop.sandboxes.home_id)
    assert mine.adopt() == 1
    assert 200 < mine.keep() < 302


def test_the_deadline_is_written_on_the_container(workshop: Workshop) -> None:
    body = hardening.body("home", workshop.spec("x", "true", limits=SHORT), "volume")
    assert body["Labels"][hardening.TIMEOUT] == "2"
