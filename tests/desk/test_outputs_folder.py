"""A run's outputs folder begins without files: what is checked and said at assignment."""

import io
import tarfile
from pathlib import Path

import pytest

from desk.wiring import Opened
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import TicketError
from labcrew.ticket_file import read_ticket
from sandboxes.crossing.archives import Archives
from tests.desk.conftest import TICKET, git
from tests.tickets import make_trial
from tools.trial_spec import trial_spec


def _assign(
    opened: Opened, toy: Path, outputs: str = "outputs", command: str = ""
) -> AssignedTicket:
    text = TICKET.replace("---\nWhich", f"outputs: {outputs!r}\n---\nWhich")
    text = text.replace("python train.py {settings}", f"python train.py {command} {{settings}}")
    return opened.office().assign(read_ticket(text), source="t.md", by="ada", beside=toy)


def _commit(toy: Path, *paths: str) -> None:
    for path in paths:
        place = toy / "toy" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text('{"accuracy": 0.99}\n')
    git(toy / "toy", "add", "-A")
    git(toy / "toy", "commit", "-q", "-m", "more")


def test_committed_outputs_are_no_runs_result(opened: Opened, toy: Path) -> None:
    assert _assign(opened, toy).warnings == ()
    _commit(toy, "outputs/metrics.jsonl", "outputs/models/small/.gitkeep", "runs/outputs/x")
    assigned = _assign(opened, toy)
    (said,) = assigned.warnings
    assert said.startswith(
        "The commit has files in outputs (outputs/metrics.jsonl, outputs/models/small/.gitkeep)"
    )
    spec = trial_spec(assigned, make_trial(0), image="i", cleaned={})
    assert spec.workspace is not None
    content = Archives(opened.office().repositories).content(spec.workspace)
    with tarfile.open(fileobj=io.BytesIO(content)) as files:
        paths = {file.name: file.isfile() for file in files}
    assert paths["train.py"]
    assert paths["runs/outputs/x"]
    inside = {path: file for path, file in paths.items() if path.startswith("outputs")}
    assert inside == {"outputs": False, "outputs/models": False, "outputs/models/small": False}


@pytest.mark.parametrize(
    ("outputs", "command", "said"),
    [
        (
            "data",
            "",
            "outputs: 'data' begins empty in every run, and the ticket names 'data/holdout",
        ),
        ("lab", "--config=lab/base.json", "the ticket names 'lab/base.json' in it; name another"),
        (".", "", "outputs: '.' is the whole repository"),
    ],
)
def test_a_folder_with_what_runs_need_is_refused(
    opened: Opened, toy: Path, outputs: str, command: str, said: str
) -> None:
    _commit(toy, "lab/base.json", "lab/old/metrics.jsonl")
    with pytest.raises(TicketError) as caught:
        _assign(opened, toy, outputs, command)
    assert said in caught.value.message
    assert "lab/old" in _assign(opened, toy, "lab/old", command).warnings[0]
