"""The person's own commands that stop and restart a run labcrew did not start."""

import functools
import os
import subprocess
from collections.abc import Iterable
from typing import Any

from agents.monitoring import remedies
from labcrew.domain.experiment import Incident, Rescue
from labcrew.domain.monitoring import Action, Attachment
from sandboxes.text import clean
from tools.beginnings import overrides

_LONGEST_S = 600.0
_KEPT = 2000


def told(
    attached: Attachment, incident: Incident, action: Action, earlier: Iterable[Incident]
) -> dict[str, str]:
    """The variables that a restart tells the program, as in docs/supervision.md.

    Nothing of the log is among them: a log's text never reaches a shell.

    Args:
        earlier: what was done before, which stays in force.
    """
    done = [i.intervention.action for i in earlier if i.intervention and i.intervention.new_trial]
    rescue = functools.reduce(remedies.told, [*done, action], Rescue())
    return overrides(rescue) | {
        "LABCREW_ATTACHMENT": attached.id,
        "LABCREW_INCIDENT": incident.kind,
    }


def ran(command: str, variables: dict[str, str]) -> dict[str, Any]:
    """Runs a person's own shell command to its end.

    Its process group is its own, so that an interrupted watch doesn't interrupt the run that it
    started.

    Args:
        variables: added to this program's environment.
    """
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST_S,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said = clean(late.output or b"")[-_KEPT:]
        return {"outcome": f"not done after {_LONGEST_S:g} s", "exit_code": None, "said": said}
    said = clean(done.stdout)[-_KEPT:]
    ended = "done" if done.returncode == 0 else f"exit code {done.returncode}"
    return {"outcome": ended, "exit_code": done.returncode, "said": said}
