"""The tool survey_repository: a draft's commit, read in a sandbox, becomes a checked survey."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.draft import Draft
from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.domain.survey import Survey
from labcrew.errors import ToolError
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
from tests.doubles.bench import make_bench
from tests.sandboxes.fixtures import *  # noqa: F403
from tests.sandboxes.fixtures import UserFolder
from tools.survey_repository import SurveyRepository, parse_output, survey_repository
from tools.toolbox import Toolbox

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["files", "entries", "cut", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def draft(repository: str, commit: str) -> Draft:
    return Draft(
        id="D-0001",
        repository=repository,
        base_commit=commit,
        sentence="lower the loss",
        asked_by="person:ada",
        asked_at="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize("out", ["", "[]", "{}", "[" * 100_000, '{"files": 1, "more": 2}'])
def test_anything_but_a_survey_is_a_tool_error(out: str) -> None:
    with pytest.raises(ToolError, match="not usable"):
        parse_output(out)


@given(JSON)
def test_no_json_breaks_it(value: object) -> None:
    try:
        survey = parse_output(json.dumps(value))
    except ToolError:
        return
    assert isinstance(survey, Survey)


def test_texts_are_cleaned() -> None:
    survey = parse_output(json.dumps({"files": 1, "title": "a\x1b[31m\u202e\ud800b"}))
    assert survey.title == "a[31m\ufffdb"


class Answering:
    """A sandbox that answers one thing; only `run` is there."""

    def __init__(self, result: RunResult) -> None:
        self.result = result

    def run(self, spec: SandboxSpec) -> RunResult:
        assert not spec.hosts
        return self.result


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (RunResult(exit_code=137, stdout="", stderr="", timed_out=True), "more than 180 s"),
        (RunResult(exit_code=137, stdout="", stderr="", out_of_memory=True), "more than 2048 MiB"),
        (RunResult(exit_code=0, stdout="{", stderr="", truncated=True), "more than 16 MiB"),
        (RunResult(exit_code=1, stdout="", stderr="a\nit broke"), "it broke"),
    ],
)
async def test_a_failure_says_what_happened(tmp_path: Path, result: RunResult, said: str) -> None:
    bench = make_bench(tmp_path, sandboxes=Answering(result))
    box = Toolbox("coordinator", draft("/lab", "c" * 40), bench, "survey")
    with pytest.raises(ToolError, match=said):
        await box.use(survey_repository, SurveyRepository())
    bench.ledger.close()


@pytest.mark.engine
async def test_a_commit_is_read_in_a_sandbox(
    shared: tuple[DockerSandboxes, GitRepositories, str],
    base_image: str,
    user: UserFolder,
    tmp_path: Path,
) -> None:
    sandboxes, repositories, _ = shared
    user.write("train.py", "import numpy\nprint('loss', numpy.load('x.npy'))\n")
    user.write("requirements.txt", "numpy>=1\n")
    commit = user.commit("a program")
    repositories.take("D-0001", user.path, commit, snapshot=False)
    bench = make_bench(tmp_path / "bench", sandboxes=sandboxes, base_image=base_image)
    box = Toolbox("coordinator", draft(str(user.path), commit), bench, "survey")
    survey = await box.use(survey_repository, SurveyRepository())
    [entry] = [entry for entry in survey.entries if entry.path == "train.py"]
    assert entry.command == "python train.py"
    assert entry.imports == ("numpy",)
    assert {trait.kind for trait in entry.traits} == {"reads", "prints"}
    assert [need.text for need in survey.requirements] == ["numpy>=1"]
    bench.ledger.close()
