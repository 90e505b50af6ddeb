"""A host process that is killed while candidates run leaves nothing that the next one can't
remove."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories

pytestmark = pytest.mark.engine
HANGS = """
import sys
from pathlib import Path
from tests.tools.evolution.lab import evolution_lab, job
with evolution_lab(Path(sys.argv[1])) as lab:
    evolution = lab.evolution(program={"timeout_s": 600})
    print(lab.bench.sandboxes.home_id, flush=True)
    lab.run(evolution, job(1), job(2), job(3), program="while True: pass", parallel=2)
"""


def test_killed_while_candidates_run(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HANGS, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert child.stdout is not None
    home = child.stdout.readline().strip()
    box = DockerSandboxes(home, GitRepositories(tmp_path / "repositories"))
    try:
        end = time.monotonic() + 60
        while len(ready(box)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(ready(box)) == 2
        child.send_signal(signal.SIGKILL)
        child.wait()
        names = {status.name for status in box.list("E-001")}
        assert set(box.clean_orphans(set())) == names == {"e-001-run-r0001", "e-001-run-r0002"}
        assert box.list() == ()
        marked = {"label": [f"labcrew.home={home}"]}
        assert box.client.containers(all=True, filters=marked) == []
        assert box.client.volumes(filters=marked)["Volumes"] in (None, [])
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
        box.clean_orphans(set())
        box.close()


def ready(box: DockerSandboxes) -> list[str]:
    return [status.name for status in box.list("E-001") if status.state == "running"]
