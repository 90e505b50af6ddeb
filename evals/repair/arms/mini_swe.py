"""mini-swe-agent on the same tasks: its own prompts and loop, its commands in a sandbox of ours."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from desk.local_model import base_url_of
from evals.local_models import cache as kept
from evals.repair.attempt import COMPLETION_TOKENS, STEPS, Proposal
from evals.repair.catalogue import Task
from labcrew.domain.chat import Tokens
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from labcrew.settings import ModelSettings
from tools.facts import prepared_image
from tools.toolbox import Workbench

VERSION = "2.4.6"
_WORKER = Path(__file__).with_name("mini_swe_worker.py")
_LONGEST_S = 1800
_LOST = ("APIConnectionError", "InternalServerError", "ServiceUnavailableError", "Timeout")
"""Ends that are the endpoint's, not the model's."""
_HARDENED = (
    "--rm", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges",
    "--memory=512m", "--pids-limit=256", "--cpus=1", "--tmpfs=/tmp:size=64m",
)  # fmt: skip


def worked(
    bench: Workbench, assigned: AssignedTicket, task: Task, settings: ModelSettings, seed: int
) -> Proposal:
    """Runs it within the same steps and tokens. It is told of the tests, and finds them in tests/.

    Raises LabcrewError: it can't be installed, or did not come to an end.
    """
    began = time.monotonic()
    image = prepared_image(bench.ledger, assigned.id)
    failing = " ".join(task.fail_to_pass)
    asked = {
        "task": f"{task.title}\n\n{task.question.strip()}\n\nThese tests fail and must pass:"
        f" python -m pytest -q {failing}\nChange the program, not the tests.",
        "base_url": base_url_of(settings),
        "model": settings.name,
        "image": image,
        "run_args": list(_HARDENED),
        "files": {**task.files, **task.tests},
        "steps": STEPS,
        "completion_tokens": COMPLETION_TOKENS,
        "temperature": 0.7 if seed else 0.0,
        "seed": seed,
    }
    try:
        done = subprocess.run(
            [str(mini_swe_python()), str(_WORKER)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
            env=mini_swe_environment(),
        )
    except subprocess.TimeoutExpired:
        raise LabcrewError(f"mini-swe-agent did not end within {_LONGEST_S} s.") from None
    if done.returncode != 0:
        raise LabcrewError(f"mini-swe-agent failed on {task.name}: {done.stderr[-1000:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    if said["ended"].startswith(_LOST):
        raise LabcrewError(f"The model could not be used: {said['ended']}")
    return Proposal(
        files={path: text for path, text in said["files"].items() if path in task.files},
        steps=said["steps"],
        tokens=Tokens(**said["used"]),
        seconds=time.monotonic() - began,
        ended=said["ended"][:2000],
    )


def mini_swe_environment() -> dict[str, str]:
    """Variables under which its libraries ask the network for nothing when they are imported."""
    return {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "MSWEA_SILENT_STARTUP": "1"}


@cache
def mini_swe_python() -> Path:
    """The Python of its own environment, made now unless it is kept from before."""
    folder = kept().parent / f"mini-swe-agent-{VERSION}"
    python = folder / "bin" / "python"
    done = folder / "installed"
    if not done.is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for command in (
            [sys.executable, "-P", "-m", "venv", str(folder)],
            [str(python), "-P", "-m", "pip", "install", "--quiet", f"mini-swe-agent=={VERSION}"],
        ):
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode != 0:
                raise LabcrewError(f"mini-swe-agent could not be installed: {ended.stderr[-1000:]}")
        done.touch()
    return python
