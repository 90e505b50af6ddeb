"""Candidates in real sandboxes: every way a run can end, and nothing of it left."""

import json
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import JsonValue, ValidationError

from labcrew.domain.chat import FailureKind, Tokens
from labcrew.domain.evolution import CodeFile, ModelAnswer, ModelRequest
from labcrew.domain.sandbox import Capacity, RunResult
from labcrew.errors import EngineUnavailable, ModelFailure, ToolError
from tests.tools.evolution.lab import EvolutionLab, Parrot, evolution_lab, job
from tools.evolution.run_candidate import INPUT, OUTPUT, RunCandidate, run_container

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvolutionLab]:
    with evolution_lab(tmp_path_factory.mktemp("evolution")) as made:
        yield made


@pytest.fixture
def lab(shared: EvolutionLab) -> Iterator[EvolutionLab]:
    yield shared
    assert shared.bench.sandboxes.list() == ()


def test_each_job_has_its_run(lab: EvolutionLab) -> None:
    evolution = lab.evolution()
    jobs = [job(number, input=number, seed=number) for number in range(5)]
    runs = lab.run(evolution, *jobs, parallel=2)
    assert [run.job for run in runs] == jobs
    assert [run.output for run in runs] == [b"0", b"2", b"4", b"6", b"8"]
    assert {run.status for run in runs} == {"ok"}
    assert all(run.seconds > 0 for run in runs)


def test_what_a_candidate_finds(lab: EvolutionLab) -> None:
    evolution = lab.evolution({OUTPUT: "an old one", "more/old.py": "0"})
    program = """
    import json, os, socket, sys
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(".") for name in names)
    found = {"files": files, "seed": sys.argv[3], "environment": sorted(os.environ)}
    found["new"] = open("more/old.py").read()
    found["input"] = json.load(open(sys.argv[1]))
    found["id"] = open("/proc/self/cgroup").read() + socket.gethostname()
    json.dump(found, open(sys.argv[2], "w"))
    """
    more = (CodeFile(path="more/old.py", text="1"), CodeFile(path="more/deep/new.py", text="2"))
    given: JsonValue = {"text": "zwölf", "list": [1.5, None]}
    (run,) = lab.run(
        evolution, job(3, input=given, seed=11), program=textwrap.dedent(program), more=more
    )
    found = json.loads(run.output)
    hers = ["./more/deep/new.py", "./more/old.py", "./program.py", "./readme.txt"]
    assert found["files"] == [f"./{INPUT}", *hers]
    assert (found["seed"], found["new"], found["input"]) == ("11", "1", given)
    assert "case-3" not in run.output.decode()
    assert "r0003" not in found["id"]


def test_nothing_is_left_from_one_run_to_the_next(lab: EvolutionLab) -> None:
    program = """
    import os, sys
    seen = os.path.exists("mark") or os.path.exists("/tmp/mark")
    open("mark", "w"), open("/tmp/mark", "w")
    open(sys.argv[2], "w").write(str(seen))
    """
    runs = lab.run(lab.evolution(), job(1), job(2), job(3), program=textwrap.dedent(program))
    assert [run.output for run in runs] == [b"False"] * 3


ENDS = {
    "crashed": ("sys.exit(3)", "crashed", "exit code 3"),
    "crashed, with an output": ("open(out, 'w').write('x'); sys.exit(1)", "crashed", "code 1"),
    "a traceback": ("raise ValueError('bad')", "crashed", "ValueError: bad"),
    "killed": ("os.kill(os.getpid(), 9)", "crashed", "exit code 137"),
    "killed its warden": (
        "stat = open(f'/proc/{os.getppid()}/stat').read()\n"
        "os.kill(int(stat.split()[3]), 9); time.sleep(9)",
        "crashed",
        "watched",
    ),
    "killed all": ("os.kill(-1, 9)", "crashed", ""),
    "no output": ("pass", "no_output", ""),
    "an early end": ("os._exit(0)", "no_output", ""),
    "a link": ("os.symlink('/etc/passwd', out)", "bad_output", "regular"),
    "a link to its own": ("open('o', 'w'); os.symlink('o', out)", "bad_output", "regular"),
    "a fifo": ("os.mkfifo(out)", "bad_output", "regular"),
    "a folder": ("os.mkdir(out)", "bad_output", "regular"),
    "too big": ("open(out, 'w').write('x' * (65 << 10))", "bad_output", "64 KiB"),
    "far too big": ("open(out, 'w').truncate(1 << 29)", "bad_output", "MiB"),
    "hungry": ("x = []\nwhile True: x.append(bytearray(1 << 20))", "out_of_memory", "128 MiB"),
    "a hungry child": (
        "subprocess.run([sys.executable, '-c', 'x = bytearray(1 << 28)'], check=True)",
        "out_of_memory",
        "128 MiB",
    ),
    "a full disk": (
        "open('big', 'w').close()\nwith open('big', 'wb', 0) as f:\n"
        "    while True: f.write(bytes(1 << 24))",
        "crashed",
        "no room left for files",
    ),
    "forks": ("while True: subprocess.Popen(['sleep', '99'])", "crashed", "exit code 1"),
    "a daemon that goes on": (
        "if os.fork() == 0:\n    os.setsid(); time.sleep(1); open(out, 'w').write('late')",
        "no_output",
        "",
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_told(lab: EvolutionLab, end: str) -> None:
    code, status, said = ENDS[end]
    program = f"import os, subprocess, sys, time\nout = sys.argv[2]\n{code}\n"
    (run,) = lab.run(lab.evolution(program={"timeout_s": 60}), program=program)
    assert (run.status, run.output) == (status, b"")
    assert said in run.said


def test_one_that_takes_too_long(lab: EvolutionLab) -> None:
    program = "import sys\nopen(sys.argv[2], 'w').write('x')\nwhile True: pass"
    (run,) = lab.run(lab.evolution(program={"timeout_s": 1}), program=program)
    assert (run.status, run.output) == ("timed_out", b"")
    assert run.seconds >= 1


def test_an_output_as_large_as_it_may_be(lab: EvolutionLab) -> None:
    program = "import sys\nopen(sys.argv[2], 'wb').write(bytes(range(256)) * 256)"
    (run,) = lab.run(lab.evolution(), program=program)
    assert (run.status, run.output) == ("ok", bytes(range(256)) * 256)


ASKS = """\
import json, sys
def ask(**asked):
    print(json.dumps({"model": asked}), flush=True)
    return json.loads(sys.stdin.readline())
def say(text, **more):
    return ask(messages=[{"role": "user", "content": text}], **more)
def done(what):
    json.dump(what, open(sys.argv[2], "w"))
"""
ALLOWED = {"model": {"calls": 3, "tokens": 100}}


def test_a_program_asks_the_model(lab: EvolutionLab) -> None:
    code = "print('note')\ndone([say('one', temperature=0.5)['text'], say('two')['text']])"
    parrot = Parrot()
    (run,) = lab.run(lab.evolution(program=ALLOWED), program=ASKS + code, broker=parrot)
    assert json.loads(run.output) == ["one!", "two!"]
    assert (run.status, run.model_calls, run.model_tokens) == ("ok", 2, 30)
    assert run.model_seconds == 0.5
    assert [seed for _, seed in parrot.asked] == [7, 7]
    assert parrot.asked[0][0].temperature == 0.5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"model": 1}', "model"),
        ('{"model": {"messages": []}}', "messages"),
        ('{"model": {"messages": [{"role": "user", "content": "x"}], "n": 9}}', "n:"),
        ('{"model": {"messages": [{"role": "tool", "content": "x"}]}}', "roles"),
        ('{"model": {"messages": [{"role": "user", "content": "x"}], "top_p": NaN}}', "top_p"),
        ('{"model": {}, "more": 1}', "other keys"),
        ('{"model": {', "not JSON"),
        ('{"model": ' + "[" * 100_000, "not JSON"),
    ],
)
def test_what_is_wrong_with_a_question_is_told(lab: EvolutionLab, line: str, said: str) -> None:
    program = ASKS + f"print({line!r}, flush=True)\ndone(json.loads(input()))"
    parrot = Parrot()
    (run,) = lab.run(lab.evolution(program=ALLOWED), program=program, broker=parrot)
    assert said in json.loads(run.output)["error"]
    assert parrot.asked == []


def spent(tokens: int) -> ModelAnswer:
    return ModelAnswer(text="", prompt_tokens=tokens, completion_tokens=10, seconds=0.1)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("for _ in range(9): say('x')", "more than 3 times"),
        ("say('x' * 900)", "more than the 49 tokens"),
        ("say('x' * 30); say('y'); done(1)", "more than 49 of the model's tokens"),
    ],
)
def test_more_than_a_run_may_ask(lab: EvolutionLab, code: str, said: str) -> None:
    allowed = {"calls": 3, "tokens": 49}
    parrot = Parrot(lambda asked, seed: spent(len(asked.messages[0].content)))
    (run,) = lab.run(lab.evolution(program={"model": allowed}), program=ASKS + code, broker=parrot)
    assert (run.status, run.output) == ("over_allowance", b"")
    assert said in run.said
    assert len(parrot.asked) <= 3


def test_one_that_prints_more_than_is_listened_to(lab: EvolutionLab) -> None:
    code = "for _ in range(6): print('x' * (1 << 20))\ndone(say('x'))"
    (run,) = lab.run(lab.evolution(program=ALLOWED), program=ASKS + code, broker=Parrot())
    assert (run.status, run.output) == ("over_allowance", b"")
    assert "5 MiB on its standard output" in run.said
    assert "standard error is for" in run.said


def test_a_request_that_the_model_refuses_is_the_programs_affair(lab: EvolutionLab) -> None:
    def refuses(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("The prompt is too long", kind="too_long")

    (run,) = lab.run(
        lab.evolution(program=ALLOWED), program=ASKS + "done(say('x'))", broker=Parrot(refuses)
    )
    assert json.loads(run.output) == {"error": "The prompt is too long"}
    assert run.model_calls == 1


def test_what_a_question_without_an_answer_cost_is_told(lab: EvolutionLab) -> None:
    def fails(request: ModelRequest, seed: int) -> ModelAnswer:
        if request.max_tokens == 1:  # whether it answers anybody
            return spent(5)
        kind: FailureKind = "refused" if len(parrot.asked) > 1 else "timed_out"
        raise ModelFailure("no", kind=kind, tokens=Tokens(prompt=10, completion=20), usd=0.5)

    parrot = Parrot(fails)
    (run,) = lab.run(lab.evolution(program=ALLOWED), program=ASKS + "done(say('x'))", broker=parrot)
    assert (run.status, run.model_calls) == ("ok", 1)
    assert (run.model_tokens, run.model_lost_tokens, run.model_usd) == (30, 45, 1.0)


def test_a_model_that_is_away_is_no_score(lab: EvolutionLab) -> None:
    def away(request: ModelRequest, seed: int) -> ModelAnswer:
        raise ModelFailure("No model answers", kind="unavailable")

    jobs = [job(number) for number in range(4)]
    with pytest.raises(ModelFailure, match="No model answers"):
        lab.run(
            lab.evolution(program=ALLOWED),
            *jobs,
            program=ASKS + "done(say('x'))",
            broker=Parrot(away),
            parallel=2,
        )


COMPUTES_MEANWHILE = """
import threading
def work():
    while True:
        pass
threading.Thread(target=work, daemon=True).start()
"""


@pytest.mark.parametrize(("meanwhile", "status"), [(COMPUTES_MEANWHILE, "timed_out"), ("", "ok")])
def test_what_a_program_computes_while_the_model_answers_is_its_time(
    lab: EvolutionLab, meanwhile: str, status: str
) -> None:
    limit = 4.0
    evolution = lab.evolution(program=ALLOWED | {"timeout_s": limit})

    def slow(request: ModelRequest, seed: int) -> ModelAnswer:
        """Answers once more than a run's time was computed, or as much has passed without."""
        for _ in range(600 if meanwhile else 45):
            used = lab.bench.sandboxes.usage(run_container(job().alias, evolution.id))
            if used is not None and used.cpu_s > limit + 1:
                break
            time.sleep(0.1)
        return spent(1)

    program = ASKS + meanwhile + "done(say('x'))"
    (run,) = lab.run(evolution, program=program, broker=Parrot(slow))
    assert run.status == status
    assert (run.seconds > limit) == bool(meanwhile)


def test_a_program_that_needs_a_model_where_there_is_none(lab: EvolutionLab) -> None:
    with pytest.raises(ToolError, match="none is configured"):
        lab.run(lab.evolution(program=ALLOWED))


def test_a_lost_engine_is_no_score(lab: EvolutionLab, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise EngineUnavailable("No engine answers")

    monkeypatch.setattr(lab.bench.sandboxes, "exec", lost)
    with pytest.raises(EngineUnavailable):
        lab.run(lab.evolution(), job(1), job(2), parallel=2)


@pytest.mark.parametrize("path", ["readme.txt/x.py", "answers", "more/old.py/x"])
def test_a_file_where_a_folder_is(lab: EvolutionLab, path: str) -> None:
    more = (CodeFile(path="more/old.py", text=""), CodeFile(path=path, text=""))
    runs = lab.run(lab.evolution(), job(1), job(2), more=more)
    assert [run.status for run in runs] == ["crashed"] * 2
    assert "is a file and a folder" in runs[0].said


def test_a_repository_that_does_not_fit_into_memory(lab: EvolutionLab) -> None:
    lab.user.write("big.txt", "x" * (17 << 20))
    program = "import os, sys\nopen(sys.argv[2], 'w').write(str(os.path.getsize('big.txt')))"
    (run,) = lab.run(lab.evolution(), program=program)
    lab.user.path.joinpath("big.txt").unlink()
    assert (run.status, run.output) == ("ok", b"%d" % (17 << 20))


@pytest.mark.parametrize("alias", ["", "../x", "A", "a" * 65, "a b"])
def test_an_alias_is_a_plain_name(alias: str) -> None:
    with pytest.raises(ValidationError):
        RunCandidate(
            files=(), jobs=(job().model_copy(update={"alias": alias}),), image="i", parallel=1
        )


def test_what_labcrew_writes_is_no_candidates() -> None:
    with pytest.raises(ValidationError, match="labcrew writes there"):
        RunCandidate(files=(CodeFile(path=OUTPUT, text="42"),), jobs=(), image="i")
    with pytest.raises(ValidationError, match="one alias"):
        RunCandidate(files=(), jobs=(job(), job()), image="i")


def test_runs_beyond_the_machine_wait_their_turn(
    lab: EvolutionLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        lab.bench.sandboxes, "capacity", lambda: Capacity(cpus=1, memory_mb=1 << 20)
    )
    running: list[int] = []
    most: list[int] = []
    execute = lab.bench.sandboxes.exec

    def counted(*args: Any, **more: Any) -> RunResult:
        running.append(1)
        most.append(len(running))
        try:
            return execute(*args, **more)
        finally:
            running.pop()

    monkeypatch.setattr(lab.bench.sandboxes, "exec", counted)
    runs = lab.run(lab.evolution(), *(job(number, input=number) for number in range(3)), parallel=3)
    assert [run.status for run in runs] == ["ok"] * 3
    assert max(most) == 1
