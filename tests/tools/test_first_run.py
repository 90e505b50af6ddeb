"""A first run on a real engine: what is seen of it, how it ends, and what is found again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest

from evals.lab import bare_bench
from labcrew.domain.draft import Draft, FirstRun
from labcrew.domain.sandbox import OverlayFile, Sandboxes
from labcrew.errors import PolicyRefused
from tests.sandboxes.fixtures import UserFolder
from tools.first_run import FirstRunCall, first_run, lines_of, texts_of
from tools.toolbox import Toolbox, Workbench

pytestmark = pytest.mark.engine

PROGRAM = """\
import json, os, pathlib, sys, time
mode = sys.argv[1]
print("begin", flush=True)
if mode == "write":
    block = bytearray(60_000_000)
    for index in range(0, len(block), 4096):
        block[index] = 1
    time.sleep(2)
    pathlib.Path("outputs/metrics.jsonl").write_text('{"loss": 0.5}\\n')
    pathlib.Path("runs/deep one").mkdir(parents=True)
    pathlib.Path("runs/deep one/model.bin").write_bytes(b"\\0" * 100)
    print(pathlib.Path("settings.yaml").read_text().strip(), os.environ["WORD"])
if mode == "hang":
    pathlib.Path("late.txt").write_text("was here")
    print("loss 0.5", flush=True)
    time.sleep(3600)
if mode == "fail":
    sys.exit("it broke")
"""


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with bare_bench() as made:
        yield made


@pytest.fixture(scope="module")
def draft(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Draft:
    user = UserFolder(tmp_path_factory.mktemp("lab"))
    user.git("init", "-q", "-b", "main")
    user.write("train.py", PROGRAM)
    user.write("settings.yaml", "lr: 1\n")
    user.commit()
    commit = user.git("rev-parse", "main")
    bench.repositories.take("D-001", user.path, commit, snapshot=False)
    return Draft(
        id="D-001",
        repository=str(user.path),
        base_commit=commit,
        sentence="lower the loss",
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
    )


def run(bench: Workbench, draft: Draft, id: str, mode: str, **fields: object) -> FirstRun:
    call = FirstRunCall.model_validate(
        {"id": id, "image": bench.base_image, "command": f"python3 train.py {mode}"} | fields
    )
    return first_run.run(call, draft, bench)


def test_what_is_seen_of_a_run(bench: Workbench, draft: Draft) -> None:
    done = run(
        bench, draft, "D-001-run-0", "write", environment={"WORD": "here"},
        overlay=(OverlayFile(path="settings.yaml", content=b"lr: 2\n"),),
    )  # fmt: skip
    assert (done.exit_code, done.timed_out, done.out_of_memory) == (0, False, False)
    assert [line.text for line in done.tail] == ["begin", "lr: 2 here"]
    assert done.tail[1].at_s > done.tail[0].at_s  # each when it came
    assert done.lines == 2
    assert done.memory_mb is not None
    assert 60 < done.memory_mb < 200
    assert done.duration_s >= 2  # as it sleeps so long
    files = {file.path: file.size_bytes for file in done.files}
    assert files == {"outputs/metrics.jsonl": 14, "runs/deep one/model.bin": 100}
    assert all(len(file.sha256) == 64 for file in done.files)
    texts = texts_of(bench.home, draft.id, done.id)
    assert texts == {"outputs/metrics.jsonl": '{"loss": 0.5}\n'}
    assert tuple(lines_of(bench.home, draft.id, done.id)) == done.tail
    assert bench.sandboxes.list() == ()


def test_a_run_that_never_ends_is_stopped_and_what_it_showed_counts(
    bench: Workbench, draft: Draft
) -> None:
    done = run(bench, draft, "D-001-run-1", "hang", timeout_s=2)
    assert done.timed_out
    assert [line.text for line in done.tail] == ["begin", "loss 0.5"]
    assert [file.path for file in done.files] == ["late.txt"]
    assert texts_of(bench.home, draft.id, done.id) == {"late.txt": "was here"}


def test_a_run_that_fails_says_so(bench: Workbench, draft: Draft) -> None:
    done = run(bench, draft, "D-001-run-2", "fail")
    assert done.exit_code == 1
    assert done.tail[-1].text == "it broke"


class DiesHere(Exception):
    """In place of a kill."""


class Dying:
    """The sandboxes of a process that ends while it follows a run."""

    def __init__(self, real: Sandboxes) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def follow(self, name: str) -> Iterator[str]:
        yield next(iter(self._real.follow(name)))
        raise DiesHere


def test_a_run_is_found_again_and_not_repeated(bench: Workbench, draft: Draft) -> None:
    command = "date +%N; sleep 1; echo end"
    call = FirstRunCall(id="D-001-run-3", image=bench.base_image, command=command)
    dying = replace(bench, sandboxes=cast(Sandboxes, Dying(bench.sandboxes)))
    with pytest.raises(DiesHere):
        first_run.run(call, draft, dying)
    log = bench.home.artefacts(draft.id) / "logs" / f"{call.id}.partial"
    seen = log.read_text()
    done = first_run.run(call, draft, bench)
    assert done.exit_code == 0
    assert [line.text for line in done.tail] == [seen.strip(), "end"]
    assert bench.sandboxes.list() == ()


async def test_the_policy_lets_the_launcher_run_what_was_installed(
    bench: Workbench, draft: Draft
) -> None:
    tools = Toolbox("experiment_launcher", draft, bench, "step")
    call = FirstRunCall(id="D-001-run-4", image="another:image", command="true")
    with pytest.raises(PolicyRefused, match="the image that was installed last"):
        await tools.use(first_run, call)


def test_a_run_that_needs_more_memory_says_so(bench: Workbench, draft: Draft) -> None:
    command = "echo begin; python3 -c 'x = b\"1\" * 400_000_000'"
    call = FirstRunCall(id="D-001-run-5", image=bench.base_image, command=command, memory_mb=64)
    done = first_run.run(call, draft, bench)
    assert done.out_of_memory
    assert done.exit_code not in (0, None)
    assert done.tail[0].text == "begin"
