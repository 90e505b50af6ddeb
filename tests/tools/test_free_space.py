"""Room that is made in a trial's own container while it runs."""

from pathlib import Path

import pytest

from evals.lab import bare_bench, take
from labcrew.errors import EngineError, PolicyRefused, ToolError
from tests.run_lab import RunLab
from tests.sandboxes.fixtures import UserFolder
from tests.tickets import make_ticket, make_trial
from tools.free_space import Freed, FreeSpace, free_space, parse_freed
from tools.run_trial import StartTrial, TrialContainer, collect_outputs, start_trial, stop_trial
from tools.trial_spec import trial_container

PROGRAM = """\
import os, pathlib, time
folder = pathlib.Path(os.environ["LABCREW_CHECKPOINTS"])
for step in (1, 2, 3, 4, 5):
    path = folder / f"step-{step}.npz"
    path.write_bytes(b"w" * (4 << 20))
    os.utime(path, (step, step))
pathlib.Path("step-1.npz").write_bytes(b"not in the folder")
print("saved", flush=True)
time.sleep(3600)
"""


def test_what_it_says_is_checked() -> None:
    assert parse_freed('{"freed_bytes": 3, "removed": ["a\\u001b[31m"]}', "T") == Freed(
        freed_bytes=3, removed=("a[31m",)
    )
    for stdout in ("", "[]", '{"freed_bytes": -1}', '{"freed_bytes": 1, "then": "x"}'):
        with pytest.raises(ToolError, match="not usable"):
            parse_freed(stdout, "T-0001-000")


@pytest.mark.engine
async def test_old_checkpoints_of_a_running_trial_go(tmp_path: Path) -> None:
    user = UserFolder(tmp_path / "lab")
    user.path.mkdir(parents=True)
    user.git("init", "-q", "-b", "main")
    user.write("train.py", PROGRAM)
    user.commit()
    with bare_bench() as bench:
        lab = RunLab(user, bench)
        ticket = make_ticket(
            repository=str(user.path),
            run={"command": "python3 train.py {settings}", "timeout_s": 60},
            budget={"memory_mb": 128},
        )
        assigned = take(bench, ticket, user.path)
        trial = make_trial(0, values={}, memory_mb=128)
        tools = lab.toolbox(assigned, "experiment_launcher", trial)
        await tools.use(start_trial, StartTrial(trial=trial, image=bench.base_image, cleaned={}))
        container = trial_container(trial.id)
        assert next(iter(bench.sandboxes.follow(container))) == "saved\n"
        before = bench.sandboxes.usage(container)

        monitor = lab.toolbox(assigned, "log_monitor", trial)
        freed = await monitor.use(free_space, FreeSpace(trial=trial.id, since_step=2))
        assert freed == Freed(freed_bytes=8 << 20, removed=("step-1.npz", "step-3.npz"))
        assert bench.sandboxes.read_file(container, "step-1.npz") == b"not in the folder"
        after = bench.sandboxes.usage(container)
        assert before is not None
        assert after is not None
        assert before.disk_bytes - after.disk_bytes > 7 << 20

        # What runs goes on, and can be collected while it does.
        assert bench.sandboxes.status(container).state == "running"
        await monitor.use(stop_trial, TrialContainer(trial=trial.id))
        kept = await monitor.use(collect_outputs, TrialContainer(trial=trial.id))
        assert [file.path for file in kept.files] == [
            f"checkpoints/step-{step}.npz" for step in (2, 4, 5)
        ]
        # When they were written crosses with them.
        for file in kept.files:
            assert (kept.folder / file.path).stat().st_mtime == int(file.path[-5])

        assert await monitor.use(free_space, FreeSpace(trial=trial.id)) == Freed()
        with pytest.raises(EngineError, match="does not run"):
            bench.sandboxes.exec_beside(container, ("true",), timeout_s=5)
        with pytest.raises(PolicyRefused):
            await tools.use(free_space, FreeSpace(trial=trial.id))


@pytest.mark.engine
async def test_a_running_trials_outputs_can_be_collected(tmp_path: Path) -> None:
    with bare_bench() as bench:
        user = UserFolder(tmp_path / "lab")
        user.path.mkdir(parents=True)
        user.git("init", "-q", "-b", "main")
        user.write("train.py", PROGRAM)
        user.commit()
        assigned = take(bench, make_ticket(repository=str(user.path)), user.path)
        lab = RunLab(user, bench)
        trial = make_trial(0, memory_mb=128, values={})
        tools = lab.toolbox(assigned, "experiment_launcher", trial)
        await tools.use(start_trial, StartTrial(trial=trial, image=bench.base_image, cleaned={}))
        container = trial_container(trial.id)
        next(iter(bench.sandboxes.follow(container)))
        files = bench.sandboxes.collect(container, "outputs", tmp_path / "seen", 64)
        assert len(files) == 5
        assert bench.sandboxes.status(container).state == "running"
