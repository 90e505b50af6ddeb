"""How runs begin: anew, at a checkpoint, with other settings; and what is refused."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from evals.lab import bare_bench, take
from labcrew.domain.experiment import Trial
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import EvidenceError, PolicyRefused
from labcrew.home import Home
from sandboxes.git.repositories import GitRepositories
from tests.run_lab import RunLab
from tests.sandboxes.fixtures import UserFolder, make_user
from tests.tickets import make_assigned, make_ticket, make_trial
from tools.beginnings import beginning, resume_target
from tools.run_trial import StartTrial, TrialContainer, collect_outputs, start_trial
from tools.smoke_test import rerun_trial
from tools.stored_outputs import checkpoint_hash, outputs_hash, stored_outputs
from tools.trial_spec import trial_container, trial_spec

PROGRAM = """\
import json, os, pathlib, sys
folder = pathlib.Path(os.environ["LABCREW_CHECKPOINTS"])
resume = os.environ.get("LABCREW_RESUME")
rate = 0.5 * float(os.environ.get("LABCREW_LEARNING_RATE_SCALE", "1"))
clip = os.environ.get("LABCREW_GRADIENT_CLIP")
quarantine = os.environ.get("LABCREW_QUARANTINE")
without = pathlib.Path(quarantine).read_text().split() if quarantine else []
step = json.loads(pathlib.Path(resume).read_text())["step"] if resume else 0
print("begins", step, rate, clip, without, sys.argv[1:], flush=True)
while step < 6:
    step += 1
    if step % 2 == 0:
        (folder / f"step-{step}.json").write_text(json.dumps({"step": step}))
"""
COMMAND = "python3 train.py {settings} {resume}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def program(tmp_path: Path) -> tuple[AssignedTicket, GitRepositories]:
    user = make_user(tmp_path / "lab")
    user.write("train.py", PROGRAM)
    repositories = GitRepositories(tmp_path / "repositories")
    commit = repositories.take("T-0001", user.path, "HEAD", snapshot=True)
    assigned = make_assigned(
        run={"command": "python train.py {settings} {resume}"},
        supervision={"resume": "--resume {checkpoint}"},
    )
    return assigned.model_copy(update={"base_commit": commit}), repositories


def stored(home: Home, path: str, content: bytes, trial: str = "T-0001-000") -> str:
    file = home.outputs("T-0001", trial) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def restarted(**rescue: Any) -> Trial:
    return make_trial(1, kind="restart", restarts="T-0001-000", rescue=rescue)


def test_a_run_that_begins_anew(home: Home, program: tuple[AssignedTicket, Any]) -> None:
    assigned, repositories = program
    spec = trial_spec(
        assigned,
        make_trial(0),
        image="i",
        cleaned={},
        beginning=beginning(home, repositories, assigned, make_trial(0)),
    )
    assert spec.environment["LABCREW_CHECKPOINTS"] == "/workspace/outputs/checkpoints"
    assert not {"LABCREW_RESUME", "LABCREW_QUARANTINE"} & set(spec.environment)
    assert spec.command[2] == (
        "mkdir -p outputs outputs/checkpoints && python train.py --lr 0.1 --batch 8 "
    )
    assert spec.inputs == ()


def test_a_program_that_knows_no_checkpoints_finds_its_outputs_empty(
    home: Home, program: tuple[AssignedTicket, GitRepositories], tmp_path: Path
) -> None:
    _, repositories = program
    user = make_user(tmp_path / "other")
    user.write("train.py", "print(1)")
    commit = repositories.take("T-0001", user.path, "HEAD", snapshot=True)
    plain = make_assigned().model_copy(update={"base_commit": commit})
    assert not beginning(home, repositories, plain, make_trial(0)).checkpoints
    named = make_assigned(supervision={"checkpoints": "runs/a b"})
    begins = beginning(home, repositories, named, make_trial(0))
    spec = trial_spec(named, make_trial(0), image="i", cleaned={}, beginning=begins)
    assert spec.command[2].startswith("mkdir -p outputs 'outputs/runs/a b' && ")
    assert spec.environment["LABCREW_CHECKPOINTS"] == "/workspace/outputs/runs/a b"


def test_a_run_that_begins_at_a_checkpoint(
    home: Home, program: tuple[AssignedTicket, GitRepositories]
) -> None:
    assigned, repositories = program
    digest = stored(home, "checkpoints/step $(id) 4.npz", b"weights")
    trial = restarted(
        checkpoint="checkpoints/step $(id) 4.npz",
        checkpoint_sha256=digest,
        learning_rate_scale=0.5,
        gradient_clip=1,
        batch_scale=0.25,
        without_batches=["shard-7", "a\nb"],
    )
    begins = beginning(home, repositories, assigned, trial)
    spec = trial_spec(assigned, trial, image="i", cleaned={}, beginning=begins)
    [checkpoint] = spec.inputs
    assert checkpoint.source == home.outputs("T-0001", "T-0001-000") / trial.rescue.checkpoint
    assert checkpoint.target == "/resume/step___id__4.npz"
    assert spec.command[2].endswith(" --resume /resume/step___id__4.npz")
    told = {name: value for name, value in spec.environment.items() if "LABCREW_" in name}
    assert told["LABCREW_RESUME"] == checkpoint.target
    assert told["LABCREW_LEARNING_RATE_SCALE"] == "0.5"
    assert told["LABCREW_GRADIENT_CLIP"] == "1.0"
    assert told["LABCREW_BATCH_SCALE"] == "0.25"
    assert told["LABCREW_QUARANTINE"] == "/workspace/.labcrew-quarantine"
    assert spec.workspace is not None
    [quarantine] = spec.workspace.overlay
    assert (quarantine.path, quarantine.content) == (".labcrew-quarantine", b"shard-7\na b\n")


def test_a_checkpoint_that_changed_is_not_begun_with(
    home: Home, program: tuple[AssignedTicket, GitRepositories]
) -> None:
    assigned, repositories = program
    digest = stored(home, "checkpoints/a.npz", b"weights")
    trial = restarted(checkpoint="checkpoints/a.npz", checkpoint_sha256=digest)
    stored(home, "checkpoints/a.npz", b"weight5")
    with pytest.raises(EvidenceError, match="changed since it was chosen"):
        beginning(home, repositories, assigned, trial)


@pytest.mark.parametrize(
    "path", ["checkpoints/missing.npz", "../T-0001-002/a.npz", "/etc/passwd", "checkpoints/..", ""]
)
def test_no_checkpoint_elsewhere_is_begun_with(
    home: Home, program: tuple[AssignedTicket, GitRepositories], path: str
) -> None:
    assigned, repositories = program
    stored(home, "checkpoints/a.npz", b"weights")
    stored(home, "a.npz", b"weights", trial="T-0001-002")
    trial = restarted(checkpoint=path, checkpoint_sha256="0" * 64)
    if path:
        with pytest.raises(EvidenceError, match="can't begin at a checkpoint"):
            beginning(home, repositories, assigned, trial)
    else:
        assert beginning(home, repositories, assigned, trial).inputs == ()


def test_a_link_is_no_checkpoint(
    home: Home, program: tuple[AssignedTicket, GitRepositories], tmp_path: Path
) -> None:
    assigned, repositories = program
    secret = tmp_path / "secret"
    secret.write_bytes(b"weights")
    folder = home.outputs("T-0001", "T-0001-000") / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "a.npz").symlink_to(secret)
    digest = hashlib.sha256(b"weights").hexdigest()
    trial = restarted(checkpoint="checkpoints/a.npz", checkpoint_sha256=digest)
    with pytest.raises(EvidenceError):
        beginning(home, repositories, assigned, trial)


def test_a_trial_that_restarts_none_has_no_checkpoint(
    home: Home, program: tuple[AssignedTicket, GitRepositories]
) -> None:
    assigned, repositories = program
    trial = make_trial(1, rescue={"checkpoint": "checkpoints/a.npz"})
    with pytest.raises(EvidenceError, match="restarts no trial"):
        beginning(home, repositories, assigned, trial)


def test_a_folder_is_one_checkpoint(home: Home) -> None:
    stored(home, "checkpoints/checkpoint-500/model.safetensors", b"a")
    stored(home, "checkpoints/checkpoint-500/state/trainer.json", b"b")
    stored(home, "checkpoints/checkpoint-5000/model.safetensors", b"c")
    root = home.outputs("T-0001", "T-0001-000")
    digest = checkpoint_hash(root, "checkpoints/checkpoint-500")
    assert digest == outputs_hash(stored_outputs(root / "checkpoints" / "checkpoint-500"))
    assert digest == checkpoint_hash(root, "checkpoints/checkpoint-500/")
    stored(home, "checkpoints/checkpoint-500/state/trainer.json", b"B")
    assert checkpoint_hash(root, "checkpoints/checkpoint-500") != digest


def test_names_stay_readable() -> None:
    assert resume_target("checkpoints/epoch=3-step=120.ckpt") == "/resume/epoch=3-step=120.ckpt"
    assert resume_target("runs/checkpoint-500/") == "/resume/checkpoint-500"


@pytest.mark.engine
async def test_a_trial_goes_on_where_another_ended(tmp_path: Path) -> None:
    user = UserFolder(tmp_path / "lab")
    user.path.mkdir(parents=True)
    user.git("init", "-q", "-b", "main")
    user.write("train.py", PROGRAM)
    user.commit()
    with bare_bench() as bench:
        lab = RunLab(user, bench)
        assigned = take(
            bench,
            make_ticket(
                repository=str(user.path),
                run={"command": COMMAND, "timeout_s": 60},
                supervision={"resume": "--resume {checkpoint}"},
                budget={"memory_mb": 128},
            ),
            user.path,
        )

        async def said(trial: Trial) -> str:
            tools = lab.toolbox(assigned, "experiment_launcher", trial)
            await tools.use(
                start_trial, StartTrial(trial=trial, image=bench.base_image, cleaned={})
            )
            for _ in bench.sandboxes.follow(trial_container(trial.id)):
                pass
            monitor = lab.toolbox(assigned, "log_monitor")
            kept = await monitor.use(collect_outputs, TrialContainer(trial=trial.id))
            bench.sandboxes.remove(trial_container(trial.id))
            return kept.log.read_text()

        plain: dict[str, Any] = {"values": {}, "memory_mb": 128}
        first = make_trial(0, **plain)
        assert await said(first) == "begins 0 0.5 None [] []\n"
        left = bench.home.outputs(assigned.id, first.id)
        assert [f.path for f in stored_outputs(left)] == [
            f"checkpoints/step-{step}.json" for step in (2, 4, 6)
        ]

        checkpoint = "checkpoints/step-4.json"
        rescue = {
            "checkpoint": checkpoint,
            "checkpoint_sha256": checkpoint_hash(left, checkpoint),
            "learning_rate_scale": 0.5,
            "gradient_clip": 1.0,
            "without_batches": ["shard-7", "shard-9"],
        }
        second = make_trial(1, kind="restart", restarts=first.id, rescue=rescue, **plain)
        told = await said(second)
        assert told == (
            "begins 4 0.25 1.0 ['shard-7', 'shard-9'] ['--resume', '/resume/step-4.json']\n"
        )
        own = bench.home.outputs(assigned.id, second.id)
        assert [f.path for f in stored_outputs(own)] == ["checkpoints/step-6.json"]

        done = rerun_trial(
            bench, assigned, second, bench.base_image, {}, (), (), "T-0001-001-again"
        )
        assert done.tail == told

        forged = second.model_copy(
            update={"rescue": second.rescue.model_copy(update={"checkpoint": "checkpoints/step-6"})}
        )
        tools = lab.toolbox(assigned, "experiment_launcher", second)
        with pytest.raises(PolicyRefused):
            await tools.use(
                start_trial, StartTrial(trial=forged, image=bench.base_image, cleaned={})
            )
