"""Trials, scores, changes and smoke tests in real containers, through the policy's door."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.base import content_hash
from labcrew.domain.experiment import Score, Trial
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, EvidenceError, GateRequired, PolicyRefused, ToolError
from labcrew.policy_changes import commit_message
from tests.run_lab import RunLab, run_lab
from tests.tickets import make_trial
from tools.evaluate import EvaluateOutputs, evaluate_outputs, evaluator_hash
from tools.make_change import (
    MakeChange,
    MergeBranch,
    PublishBranch,
    RenderSettings,
    make_change,
    merge_branch,
    publish_branch,
    render_settings,
)
from tools.prepare_environment import PrepareEnvironment, prepare_environment
from tools.run_trial import (
    Collected,
    StartTrial,
    TrialContainer,
    collect_outputs,
    start_trial,
    stop_trial,
    watch_trial,
)
from tools.smoke_test import RunSmokeTest, rerun_trial, run_smoke_test
from tools.stored_outputs import outputs_hash, stored_outputs
from tools.tool_container import put_away, tool_container
from tools.trial_spec import trial_container

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunLab]:
    with run_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def cleaned(tmp_path: Path) -> dict[str, Path]:
    copy = tmp_path / "train.csv"
    copy.write_text("x\ncleaned\n")
    return {"data/train.csv": copy}


def trial(number: int, mode: str = "well", **changes: Any) -> Trial:
    values = {"lr": 0.25, "mode": mode}
    return make_trial(number, values=values, memory_mb=128, **changes)


async def ended(lab: RunLab, assigned: AssignedTicket, of: Trial) -> Collected:
    tools = lab.toolbox(assigned, "experiment_launcher", of)
    call = StartTrial(trial=of, image=lab.bench.base_image, cleaned={})
    await tools.use(start_trial, call)
    await tools.use(start_trial, call)
    monitor = lab.toolbox(assigned, "log_monitor")
    for _ in await monitor.use(watch_trial, TrialContainer(trial=of.id)):
        pass
    while lab.bench.sandboxes.status(trial_container(of.id)).state == "running":
        time.sleep(0.02)
    kept = await monitor.use(collect_outputs, TrialContainer(trial=of.id))
    again = await monitor.use(collect_outputs, TrialContainer(trial=of.id))
    assert again == kept
    lab.bench.sandboxes.remove(trial_container(of.id))
    return kept


def judged(
    lab: RunLab, kept: Collected, split: str = "validation", **changes: Any
) -> EvaluateOutputs:
    fields: dict[str, Any] = {
        "subject": "T-0001-000",
        "folder": kept.folder,
        "expected_sha256": kept.sha256,
        "split": split,
        "seed": 3,
        "commit": lab.user.git("rev-parse", "main"),
        "image": lab.bench.base_image,
        "data_sha256": "",
        "container": f"t-0001-000-{split}",
    }
    return EvaluateOutputs.model_validate(fields | changes)


def left_behind(folder: Path) -> Collected:
    """Outputs as a trial leaves them, without the trial."""
    folder.chmod(0o755)
    (folder / "answer.json").write_text('{"lr": 1}')
    files = stored_outputs(folder)
    return Collected(
        folder=folder, files=files, sha256=outputs_hash(files), log=folder, log_bytes=0,
        log_sha256="",
    )  # fmt: skip


async def test_a_trial_runs_without_its_judge_and_is_scored_by_it(lab: RunLab) -> None:
    assigned = lab.assigned()
    kept = await ended(lab, assigned, trial(0, seed=3))
    log = kept.log.read_text()
    assert "hidden: False" in log
    assert "data: x\n1" in log
    assert [f.path for f in kept.files] == ["answer.json"]
    assert stored_outputs(kept.folder) == kept.files
    assert outputs_hash(kept.files[::-1]) == kept.sha256
    assert kept.log_bytes == kept.log.stat().st_size

    monitor = lab.toolbox(assigned, "log_monitor")
    score = await monitor.use(evaluate_outputs, judged(lab, kept))
    assert isinstance(score, Score)
    assert (score.value, score.split, score.source, score.seed) == (
        0.25,
        "validation",
        "evaluator",
        3,
    )
    assert score.image_digest.startswith("sha256:")
    assert score.evaluator_sha256 == evaluator_hash(assigned) != ""

    with pytest.raises(PolicyRefused):
        await monitor.use(evaluate_outputs, judged(lab, kept, "holdout"))
    writer = lab.toolbox(assigned, "merge_request", approved=False)
    with pytest.raises(GateRequired):
        await writer.use(evaluate_outputs, judged(lab, kept, "holdout"))

    (kept.folder / "answer.json").write_text('{"lr": 1.0}')
    with pytest.raises(EvidenceError, match="changed since they were collected"):
        await monitor.use(evaluate_outputs, judged(lab, kept))


async def test_a_broken_trial_leaves_its_log(lab: RunLab) -> None:
    kept = await ended(lab, lab.assigned(), trial(1, "fail"))
    assert kept.files == ()
    # Two streams: which of their lines comes first is the engine's to say.
    lines = kept.log.read_text().splitlines()
    assert sorted(lines) == ["1", "data: x", "hidden: False", "it broke"]


async def test_a_trial_is_stopped_whenever(lab: RunLab) -> None:
    assigned, of = lab.assigned(), trial(2, "hang")
    tools = lab.toolbox(assigned, "experiment_launcher", of)
    await tools.use(start_trial, StartTrial(trial=of, image=lab.bench.base_image, cleaned={}))
    monitor = lab.toolbox(assigned, "log_monitor")
    await monitor.use(stop_trial, TrialContainer(trial=of.id))
    status = lab.bench.sandboxes.status(trial_container(of.id))
    assert status.state == "exited"
    assert status.exit_code != 0
    await monitor.use(stop_trial, TrialContainer(trial=of.id))
    lab.bench.sandboxes.remove(trial_container(of.id))
    await monitor.use(stop_trial, TrialContainer(trial=of.id))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("refuse", "refused T-0001-000 .exit 1.: no such outputs"),
        ("not json", "its last line is"),
        ('{"other": 1}', "'quality'"),
        ('{"quality": "high"}', "'quality'"),
        ("[0.5]", "'quality'"),
        ('{"quality": NaN}', "not a finite number"),
        ('{"quality": 1' + "0" * 400 + "}", "its last line is"),
    ],
)
async def test_a_judge_that_says_no_number(
    lab: RunLab, tmp_path: Path, kind: str, why: str
) -> None:
    kept = left_behind(tmp_path)
    lab.judge_says(kind)
    try:
        assigned = lab.assigned()
        with pytest.raises(ToolError, match=why):
            evaluate_outputs.run(judged(lab, kept), assigned, lab.bench)
    finally:
        lab.judge_says("well")
    assert lab.bench.sandboxes.list() == ()


async def test_a_judge_that_never_ends(lab: RunLab, tmp_path: Path) -> None:
    kept = left_behind(tmp_path)
    lab.judge_says("hang")
    evaluator = {"command": "python3 judge.py {outputs} {split}", "timeout_s": 1}
    try:
        with pytest.raises(ToolError, match="longer than 1 s"):
            evaluate_outputs.run(judged(lab, kept), lab.assigned(evaluator=evaluator), lab.bench)
    finally:
        lab.judge_says("well")


def test_without_a_judge_there_is_no_score(lab: RunLab, tmp_path: Path) -> None:
    metric = {"name": "quality", "direction": "maximize", "pattern": "quality (.*)"}
    assigned = lab.assigned(evaluator=None, metric=metric)
    assert evaluator_hash(assigned) == ""
    kept = Collected(folder=tmp_path, files=(), sha256="", log=tmp_path, log_bytes=0, log_sha256="")
    with pytest.raises(ToolError, match="no evaluator"):
        evaluate_outputs.run(judged(lab, kept), assigned, lab.bench)


async def test_a_change_is_made_published_and_merged(lab: RunLab, tmp_path: Path) -> None:
    with run_lab(tmp_path) as own:
        space = {
            "lr": {"type": "float", "low": 0, "high": 1},
            "absent": {"type": "int", "low": 1, "high": 5},
        }
        title = "Better settings with 'quotes' and $HOME"
        assigned = own.assigned(title=title, search_space=space)
        tools = own.toolbox(assigned, "experiment_launcher")
        values = {"lr": 0.125, "absent": 3}
        rendered = await tools.use(render_settings, RenderSettings(file="train.py", values=values))
        assert b"default=0.125" in rendered.file.content
        assert rendered.missing == ("absent",)
        call = MakeChange(
            files=(
                rendered.file,
                OverlayFile(path="experiments/T-0001/odd.bin", content=b"\xff\xfe"),
            ),
            message=commit_message(assigned),
            editable=("train.py", "experiments/**", "experiments/T-0001/**"),
            ref="refs/labcrew/T-0001/r0",
        )
        writer = own.toolbox(assigned, "merge_request")
        landed = await writer.use(make_change, call)
        assert set(landed.change.files) == {"train.py", "experiments/T-0001/odd.bin"}
        assert await own.toolbox(assigned, "merge_request").use(make_change, call) == landed
        elsewhere = {"editable": ("train.py",), "ref": "refs/labcrew/T-0001/r1"}
        narrower = call.model_copy(update=elsewhere)
        with pytest.raises(BoundaryError):
            make_change.run(narrower, assigned, own.bench)
        with pytest.raises(PolicyRefused):
            await writer.use(make_change, narrower)

        # An earlier call may have left something where this one works.
        planted = call.model_copy(update={"ref": "refs/labcrew/T-0001/r2"})
        place = f"change-{content_hash(planted)[:16]}/change/experiments"
        container = tool_container(assigned, own.bench)
        own.bench.sandboxes.write_files(
            container, (OverlayFile(path=f"{place}/planted", content=b"planted"),)
        )
        with pytest.raises(BoundaryError, match="written into it"):
            make_change.run(planted, assigned, own.bench)

        writer = own.toolbox(assigned, "merge_request", change=landed.commit)
        publish = PublishBranch(commit=landed.commit, branch="labcrew/T-0001")
        await writer.use(publish_branch, publish)
        await writer.use(publish_branch, publish)
        assert own.user.git("rev-parse", "labcrew/T-0001") == landed.commit
        message = own.user.git("log", "-1", "--format=%B", "labcrew/T-0001")
        assert message == call.message
        own.user.git("checkout", "-q", "-b", "elsewhere")
        merge = MergeBranch(target="main", commit=landed.commit, merge_request="T-0001-MR0")
        assert (await writer.use(merge_branch, merge)).state == "merged"
        assert own.user.git("rev-parse", "main") == landed.commit

        smoke = RunSmokeTest(
            subject="T-0001-MR0-smoke",
            commit=landed.commit,
            template=assigned.ticket.run.command,
            values={},
            seed=4,
            image=own.bench.base_image,
            cleaned={},
        )
        done = await writer.use(run_smoke_test, smoke)
        assert (done.exit_code, done.timed_out) == (0, False)
        assert "quality 0.125" in done.tail
        put_away(assigned.id, own.bench.sandboxes)
        assert own.bench.sandboxes.list() == ()


async def test_what_cannot_be_edited_or_committed_is_said(lab: RunLab) -> None:
    for file, why in (("gone.yaml", "gone.yaml"), ("data/train.csv", "data/train.csv")):
        assigned = lab.assigned(settings={"file": file})
        tools = lab.toolbox(assigned, "experiment_launcher")
        with pytest.raises(ToolError, match=why):
            await tools.use(render_settings, RenderSettings(file=file, values={"lr": 1}))
    unchanged = lab.user.path.joinpath("config.yaml").read_bytes()
    with pytest.raises(ToolError, match="could not be committed"):
        make_change.run(
            MakeChange(
                files=(OverlayFile(path="config.yaml", content=unchanged),),
                message="nothing",
                editable=("config.yaml",),
                ref="refs/labcrew/T-0001/r9",
            ),
            assigned,
            lab.bench,
        )
    assert [status.state for status in lab.bench.sandboxes.list(assigned.id)] == ["running"]
    put_away(assigned.id, lab.bench.sandboxes)
    assert lab.bench.sandboxes.list() == ()


def test_a_rerun_repeats_the_trial_and_keeps_the_deadline(
    lab: RunLab, cleaned: dict[str, Path]
) -> None:
    run = {"command": "python3 train.py {settings} --outputs {outputs}", "timeout_s": 5}
    assigned = lab.assigned(run=run)
    of = trial(6, data="cleaned")
    overlay = (OverlayFile(path="judge-says.txt", content=b"edited"),)
    done = rerun_trial(
        lab.bench, assigned, of, lab.bench.base_image, cleaned, overlay, (), "T-0001-006-rerun"
    )
    assert (done.exit_code, done.timed_out) == (0, False)
    assert "data: x\ncleaned" in done.tail
    assert done.duration_s > 0
    late = lab.assigned(run=run | {"timeout_s": 1})
    done = rerun_trial(
        lab.bench, late, trial(7, "hang"), lab.bench.base_image, {}, (), (), "T-0001-007-rerun"
    )
    assert done.timed_out
    assert lab.bench.sandboxes.list() == ()


async def test_the_environment_is_the_one_that_was_shown(lab: RunLab) -> None:
    assigned = lab.assigned()
    plan = lab.bench.environments.plan(
        assigned.ticket.environment, assigned.id, assigned.base_commit
    )
    tools = lab.toolbox(assigned, "experiment_launcher")
    image = await tools.use(prepare_environment, PrepareEnvironment(key=plan.key, approved=True))
    assert image == lab.bench.base_image
    other = PrepareEnvironment(key="other", approved=True)
    with pytest.raises(ToolError, match="approved anew"):
        prepare_environment.run(other, assigned, lab.bench)
    with pytest.raises(PolicyRefused, match="the environment that the plan gate showed"):
        await tools.use(prepare_environment, other)
    waiting = lab.toolbox(assigned, "experiment_launcher", approved=False)
    with pytest.raises(GateRequired):
        await waiting.use(prepare_environment, PrepareEnvironment(key=plan.key, approved=True))
