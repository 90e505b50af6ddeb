"""The tool read_library: what a sandbox answered becomes papers, or an error for the agent."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.errors import PolicyRefused, ToolError
from sandboxes.docker_sandboxes import DockerSandboxes
from sandboxes.git.repositories import GitRepositories
from tests.doubles.bench import make_assigned, make_bench
from tests.sandboxes.fixtures import *  # noqa: F403
from tests.sandboxes.fixtures import UserFolder
from tools.read_library import ReadLibrary, parse_output, read_library
from tools.toolbox import Toolbox

DOCUMENT = {
    "key": "a",
    "title": "A",
    "authors": ["Ada"],
    "year": 2001,
    "venue": "J",
    "locator": "papers/a.md, line 1",
    "text": "Momentum helps.",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["documents", "problems", "error", "key", "text"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def test_documents_become_cited_papers() -> None:
    out = json.dumps({"documents": [DOCUMENT], "problems": ["b.pdf: broken"]})
    library = parse_output(out, "papers")
    assert library.problems == ("b.pdf: broken",)
    [paper] = library.papers
    assert paper.citation.verification == "local_file"
    assert paper.citation.locator == "papers/a.md, line 1"


@pytest.mark.parametrize(
    "out",
    [
        "",
        "no json",
        "[]",
        "[" * 100_000,
        "{}",
        json.dumps({"documents": [DOCUMENT | {"verification": "looked_up"}], "problems": []}),
        json.dumps({"documents": [{**DOCUMENT, "year": "soon"}], "problems": []}),
        json.dumps({"documents": [], "problems": [], "more": 1}),
    ],
)
def test_anything_else_is_a_tool_error(out: str) -> None:
    with pytest.raises(ToolError, match="papers"):
        parse_output(out, "papers")


@given(JSON)
def test_no_json_breaks_it(value: object) -> None:
    try:
        library = parse_output(json.dumps(value), "papers")
    except ToolError:
        return
    assert library.papers == ()


class Answering:
    """A sandbox that answers one thing; only `run` is there."""

    def __init__(self, result: RunResult) -> None:
        self.result = result
        self.specs: list[SandboxSpec] = []

    def run(self, spec: SandboxSpec) -> RunResult:
        self.specs.append(spec)
        return self.result


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (RunResult(exit_code=137, stdout="", stderr="", timed_out=True), "more than 300 s"),
        (RunResult(exit_code=137, stdout="", stderr="", out_of_memory=True), "1024 MiB"),
        (RunResult(exit_code=1, stdout="", stderr="x\nValueError: no"), "ValueError: no"),
        (RunResult(exit_code=0, stdout="{}", stderr="", truncated=True), "failed"),
        (
            RunResult(
                exit_code=0,
                stdout='{"documents":[],"problems":[],"error":"there is no folder papers"}',
                stderr="",
            ),
            "there is no folder papers",
        ),
    ],
)
async def test_a_failed_run_is_told(tmp_path: Path, result: RunResult, told: str) -> None:
    bench = make_bench(tmp_path, sandboxes=Answering(result))
    hands = Toolbox(
        "literature_review", make_assigned(literature={"library": "papers"}), bench, "review"
    )
    with pytest.raises(ToolError, match=told):
        await hands.use(read_library, ReadLibrary(folder="papers"))
    bench.ledger.close()


@pytest.mark.engine
async def test_a_real_sandbox_reads_the_commit(
    shared: tuple[DockerSandboxes, GitRepositories, str],
    base_image: str,
    user: UserFolder,
    tmp_path: Path,
) -> None:
    sandboxes, repositories, _ = shared
    user.write("docs/papers/a.md", "# Steps\n\nA learning rate of 0.1 works best.\n")
    user.write("docs/papers/b.pdf", "%PDF-1.4 broken")
    commit = user.commit()
    repositories.take("T1", user.path, commit, snapshot=False)
    asked = make_assigned(literature={"library": "docs/papers"})
    assigned = asked.model_copy(update={"base_commit": commit})
    bench = make_bench(tmp_path / "bench", sandboxes=sandboxes, base_image=base_image)
    hands = Toolbox("literature_review", assigned, bench, "review")

    library = await hands.use(read_library, ReadLibrary(folder="docs/papers"))

    [paper] = library.papers
    assert paper.text == "A learning rate of 0.1 works best."
    assert paper.citation.title == "Steps"
    assert paper.citation.locator == "docs/papers/a.md, line 3"
    assert library.problems == ("docs/papers/b.pdf: can't be read (PdfStreamError), left out",)
    with pytest.raises(ToolError, match="there is no folder"):
        read_library.run(ReadLibrary(folder="elsewhere"), assigned, bench)
    with pytest.raises(PolicyRefused, match="the ticket's own library folder"):
        await hands.use(read_library, ReadLibrary(folder="elsewhere"))
    bench.ledger.close()
