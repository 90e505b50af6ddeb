"""The scorer in real sandboxes: what it says, what it can't say, and what tries to change it."""

import hashlib
import io
import json
import pickle
import tarfile
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.evolution import CodeFile, RunStatus, code_hash
from labcrew.domain.evolution_spec import Scale
from labcrew.domain.sandbox import OutputFile
from labcrew.errors import EngineUnavailable, EvidenceError
from tests.tools.evolution.lab import EvolutionLab, evolution_lab, raw
from tools.evolution.score_outputs import ScoreOutputs
from tools.evolution.scorer_files import changed_files, file_hashes, scorer_hash
from tools.evolution.scoring import ScorerFailed, _read

engine = pytest.mark.engine
BEGIN = """
import json, os, pathlib, sys
runs = sorted(pathlib.Path(sys.argv[1]).iterdir())
def done(scores):
    pathlib.Path(sys.argv[2]).write_text(json.dumps(scores))
def read(run):
    return (run / "output").read_bytes()
def score(run, value, why=""):
    return {run.name: {"score": value, "why": why}}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvolutionLab]:
    with evolution_lab(tmp_path_factory.mktemp("evolution")) as made:
        yield made


@pytest.fixture
def lab(shared: EvolutionLab) -> Iterator[EvolutionLab]:
    yield shared
    assert shared.bench.sandboxes.list() == ()


def scorer(code: str) -> dict[str, str]:
    return {"score.py": BEGIN + textwrap.dedent(code)}


@engine
def test_outputs_are_scored(lab: EvolutionLab) -> None:
    evolution = lab.evolution()
    first, second = lab.score(evolution, raw(1, b"42"), raw(2, b"\xff\x00"[:0] + b"41"))
    assert (first.score, first.status, first.why) == (1, "ok", "right")
    assert (second.score, second.status, second.why) == (0, "ok", "wrong")
    assert first.id == f"E-001/{'c' * 20}/case-1/7"
    assert first.output_sha256 == hashlib.sha256(b"42").hexdigest()
    assert first.scorer_sha256 == scorer_hash(evolution)
    assert first.split == "gate"


@engine
def test_the_scorer_is_told_input_answer_and_seed(lab: EvolutionLab) -> None:
    code = (
        "done({k: v for r in runs for k, v in score(r, 1, (r / 'case.json').read_text()).items()})"
    )
    (run,) = lab.score(lab.evolution(scorer(code)), raw(1, b"x"), answer={"a": [1, None]})
    assert run.why == '{"answer":{"a":[1,null]},"input":21,"seed":7}'


@engine
def test_what_failed_scores_the_worst_and_is_not_shown(lab: EvolutionLab) -> None:
    code = "done({k: v for r in runs for k, v in score(r, 1, str(len(runs))).items()})"
    kinds: list[RunStatus] = ["crashed", "timed_out", "no_output", "bad_output", "over_allowance"]
    runs = [raw(n, b"", kind, said="it broke") for n, kind in enumerate(kinds)]
    *failed, good = lab.score(lab.evolution(scorer(code)), *runs, raw(9, b"42"))
    assert [(run.score, run.status, run.why) for run in failed] == [
        (0, kind, "it broke") for kind in kinds
    ]
    assert (good.score, good.why) == (1, "1")
    assert lab.score(lab.evolution(scorer("sys.exit(1)")), *runs)[0].score == 0


UNSCORED = {
    "crashes": ("raise ValueError('no idea')", "no idea"),
    "exit code": ("sys.exit(7)", "exit code 7"),
    "nothing": ("pass", "left no scores"),
    "a link": ("os.symlink('/etc/passwd', sys.argv[2])", "left no scores"),
    "no JSON": ("open(sys.argv[2], 'w').write('yes')", "can't be read"),
    "a list": ("done([1])", "not an object"),
    "left out": ("done({})", "gave it no score"),
    "another": ("done({'other': {'score': 1}})", "no run"),
    "a word": ("done(score(runs[0], 'high'))", "must be a number"),
    "true": ("done(score(runs[0], True))", "must be a number"),
    "not a number": ("done(score(runs[0], float('nan')))", "NaN"),
    "infinite": (
        "open(sys.argv[2], 'w').write('{\"%s\": {\"score\": 1e999}}' % runs[0].name)",
        "inf",
    ),
    "more": ("done({runs[0].name: {'score': 1, 'pass': True}})", "must hold score"),
    "twice": (
        "one = '\"%s\": {\"score\": 1}' % runs[0].name\n"
        "open(sys.argv[2], 'w').write('{%s, %s}' % (one, one))",
        "twice",
    ),
    "hungry": ("x = []\nwhile True: x.append(bytearray(1 << 20))", "exit code 137"),
    "kills all": ("os.kill(-1, 9)", ""),
}  # fmt: skip


@engine
@pytest.mark.parametrize("kind", UNSCORED)
def test_without_a_score_that_can_be_read_a_run_is_unscored(lab: EvolutionLab, kind: str) -> None:
    code, said = UNSCORED[kind]
    (run,) = lab.score(lab.evolution(scorer(code)), raw(1, b"42"))
    assert (run.status, run.score) == ("unscored", 0)
    assert said in run.why


@engine
def test_a_scorer_that_takes_too_long(lab: EvolutionLab) -> None:
    evolution = lab.evolution(scorer("while True: pass"), scorer={"timeout_s": 1})
    runs = lab.score(evolution, raw(1, b"42"), raw(2, b"42"))
    assert [run.status for run in runs] == ["unscored"] * 2
    assert "longer than 1 s" in runs[0].why


@engine
@pytest.mark.parametrize(
    ("code", "said"), [("while True: pass", "longer than 1 s"), ("sys.exit(3)", "no score at all")]
)
@pytest.mark.parametrize("which", ["baseline", "champion"])
def test_what_others_are_held_against_is_scored_or_nothing_is(
    lab: EvolutionLab, code: str, said: str, which: str
) -> None:
    """The worst score in its place would be a gain of everything else."""
    evolution = lab.evolution(scorer(code), scorer={"timeout_s": 1})
    files = (CodeFile(path="program.py", text="print(1)"),)
    evolution = evolution.model_copy(update={which: files})
    with pytest.raises(ScorerFailed, match=said):
        lab.score(evolution, raw(1, b"42"), raw(2, b"42"), code=code_hash(files))


@engine
def test_one_output_that_breaks_the_scorer_costs_no_other_its_score(lab: EvolutionLab) -> None:
    code = """
    found = {}
    for run in runs:
        if read(run) == b"bad":
            raise ValueError("can't bear it")
        found |= score(run, 1)
    done(found)
    """
    outputs = [b"good", b"bad", b"good", b"good", b"bad"]
    runs = lab.score(lab.evolution(scorer(code)), *(raw(n, o) for n, o in enumerate(outputs)))
    assert [run.status for run in runs] == ["ok", "unscored", "ok", "ok", "unscored"]
    assert "can't bear it" in runs[1].why


@engine
@pytest.mark.parametrize("value", [1.5, -1, 10**400])
def test_a_score_that_cannot_be_true_stops_everything(lab: EvolutionLab, value: float) -> None:
    code = f"done({{k: v for r in runs for k, v in score(r, {value}).items()}})"
    with pytest.raises(EvidenceError, match=r"case-1 .* lies between 0 and 1"):
        lab.score(lab.evolution(scorer(code)), raw(1, b"42"), raw(2, b"42"))


class Poison:
    """Unpickled it runs a command."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"__import__('os').system({self._command!r})",)


@engine
@pytest.mark.parametrize(
    "command",
    [
        "echo 'print(1)' > score.py",
        "echo 43 > answers/all.txt",
        "rm readme.txt",
        "rm -r answers; ln -s /tmp answers",
        "rm link; echo mine > link",
    ],
)
def test_an_output_that_changes_the_scorer_is_found_out(lab: EvolutionLab, command: str) -> None:
    lab.user.path.joinpath("link").unlink(missing_ok=True)
    lab.user.path.joinpath("link").symlink_to("readme.txt")
    code = """
    import pickle
    for run in runs: pickle.loads(read(run))
    done({k: v for r in runs for k, v in score(r, 1).items()})
    """
    poison = pickle.dumps(Poison(command))
    with pytest.raises(EvidenceError, match="changed the scorer"):
        lab.score(lab.evolution(scorer(code)), raw(1, poison), raw(2, pickle.dumps(1)))
    (clean,) = lab.score(lab.evolution(scorer(code)), raw(1, pickle.dumps(1)))
    assert clean.score == 1


@engine
def test_it_writes_beside_its_files_as_it_likes(lab: EvolutionLab) -> None:
    code = """
    os.mkdir("made"), open("made/by.txt", "w"), os.mkfifo("pipe"), os.symlink("/", "root")
    done({k: v for r in runs for k, v in score(r, 1).items()})
    """
    (run,) = lab.score(lab.evolution(scorer(code)), raw(1, b"42"))
    assert run.score == 1


@engine
def test_a_scorer_that_agrees_with_itself(lab: EvolutionLab) -> None:
    runs = lab.score(lab.evolution(), raw(1, b"42"), raw(2, b"41"), raw(3, b"42"), twice=True)
    assert [run.score for run in runs] == [1, 0, 1]


@engine
@pytest.mark.parametrize(
    "value",
    ["os.urandom(1)[0] / 255", "runs.index(r) / 10", "int(r.name[-4:], 36) % 1000 / 1000"],
    ids=["chance", "order", "name"],
)
def test_a_scorer_that_disagrees_with_itself(lab: EvolutionLab, value: str) -> None:
    code = f"done({{k: v for r in runs for k, v in score(r, {value}).items()}})"
    runs = [raw(number, b"42") for number in range(8)]
    with pytest.raises(EvidenceError, match="disagrees with itself"):
        lab.score(lab.evolution(scorer(code)), *runs, twice=True)


@engine
def test_a_scorer_that_scores_twice_must_score_all(lab: EvolutionLab) -> None:
    evolution = lab.evolution(scorer("raise ValueError('no idea')"))
    with pytest.raises(ScorerFailed, match=r"(?s)case-1 can't be scored.*no idea"):
        lab.score(evolution, raw(1, b"42"), twice=True)


@engine
def test_a_lost_engine_is_no_score(lab: EvolutionLab, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise EngineUnavailable("No engine answers")

    monkeypatch.setattr(lab.bench.sandboxes, "exec", lost)
    with pytest.raises(EngineUnavailable):
        lab.score(lab.evolution(), raw(1, b"42"))


def test_cases_must_be_given() -> None:
    with pytest.raises(ValueError, match="not given"):
        ScoreOutputs(code="c", runs=(raw(1, b""),), cases=(), image="i")


SCALE = Scale(name="right", low=0, high=1)


@given(st.binary(max_size=300))
def test_any_bytes_for_scores(written: bytes) -> None:
    runs = {"r0001": raw(1, b"42")}
    if written.strip() == b"{}":
        assert _read(written, runs, SCALE) == {}
    else:
        with pytest.raises(ScorerFailed, match="can't be read"):
            _read(written, runs, SCALE)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner) | st.dictionaries(
                        st.sampled_from(["r0001", "score", "why", "x"]), inner)))  # fmt: skip
def test_any_json_for_scores(value: Any) -> None:
    runs = {"r0001": raw(1, b"42")}
    try:
        judged = _read(json.dumps(value).encode(), runs, SCALE)
    except (ScorerFailed, EvidenceError):
        return
    assert set(judged) <= {"r0001"}
    assert all(0 <= of.score <= 1 for of in judged.values())


def archive_of(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return out.getvalue()


def test_which_files_changed() -> None:
    content = {"a": b"1", "b/c": b"2", ".git/config": b"never leaves a sandbox"}
    before = file_hashes(archive_of(content, {"l": "a"}))
    assert set(before) == {"a", "b/c", "l"}

    def listed(**now: bytes) -> list[OutputFile]:
        return [
            OutputFile(path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
            for path, data in now.items()
        ]

    assert changed_files(before, listed(**{"a": b"1", "b/c": b"2", "new": b"3"})) == ()
    assert changed_files(before, listed(a=b"9", l=b"1")) == ("a", "b/c", "l")
