"""How a run ended: exit codes, signals and tracebacks as programs really leave them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.monitoring.ending import ended

WORKER = """\
Traceback (most recent call last):
  File "/code/train.py", line 10, in <module>
    for batch in loader:
  File "/env/lib/python3.11/site-packages/torch/utils/data/dataloader.py", line 630, in __next__
    data = self._next_data()
  File "/env/lib/python3.11/site-packages/torch/_utils.py", line 694, in reraise
    raise exception
ValueError: Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/env/lib/python3.11/site-packages/torch/utils/data/_utils/worker.py", line 308, in _worker
    data = fetcher.fetch(index)
  File "/code/data.py", line 12, in __getitem__
    raise ValueError("row 7 has no label")
ValueError: row 7 has no label
""".splitlines()

CUDA = """\
Traceback (most recent call last):
  File "/code/train.py", line 31, in step
    loss.backward()
  File "/env/lib/python3.11/site-packages/torch/_tensor.py", line 581, in backward
    torch.autograd.backward(
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total ...
""".splitlines()


def run(tmp_path: Path, program: str) -> tuple[int, list[str]]:
    """Runs a real program, and answers its exit code and all that it wrote."""
    script = tmp_path / "train.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("def f():\n    return 1 / 0\nf()", "crashed", r"ZeroDivisionError.* at .*train.py:2 in f"),
        ("import nothing_of_that_name", "crashed", r"ModuleNotFoundError.*a module is missing"),
        ("assert 1 > 2, 'rows differ'", "crashed", r"AssertionError: rows differ.*assertion"),
        ("assert False", "crashed", r"AssertionError at .*train.py:1"),
        (
            "try:\n    {}['rate']\nexcept KeyError as e:\n    raise RuntimeError('bad') from e",
            "crashed",
            r"RuntimeError: bad.*it came from KeyError: 'rate'",
        ),
        (
            "import json\ndef load():\n    return json.loads('{')\nload()",
            "crashed",
            r"JSONDecodeError.*train.py:3 in load",
        ),
        ("raise MemoryError('too big')", "out_of_memory", r"MemoryError: too big"),
        ("raise MemoryError", "out_of_memory", r"MemoryError"),
        ("raise OSError(28, 'No space left on device')", "storage_full", r"No space left"),
        ("import sys\nprint('no data')\nsys.exit(3)", "crashed", r"exit code 3: no data"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "crashed", r"SIGSEGV"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "crashed", r"SIGKILL.*outside"),
        ("raise SystemExit('bad arguments')", "crashed", r"exit code 1 .*: bad arguments"),
        ("class Bad(Exception):\n    pass\nraise Bad('x')", "crashed", r"exit code 1"),
        (
            "raise ExceptionGroup('two', [ValueError('a'), KeyError('b')])",
            "crashed",
            r"ExceptionGroup: two",
        ),
    ],
)
def test_what_a_real_program_leaves_is_told(
    tmp_path: Path, program: str, kind: str, words: str
) -> None:
    code, lines = run(tmp_path, program)
    alarm = ended(code, False, False, lines)
    assert alarm is not None
    assert alarm.kind == kind
    assert re.search(words, alarm.diagnosis, re.DOTALL), alarm.diagnosis
    assert all(len(line) <= 300 for line in alarm.lines)


def test_a_data_worker_is_told_with_its_own_error_and_place() -> None:
    alarm = ended(1, False, False, WORKER)
    assert alarm is not None
    assert "ValueError: row 7 has no label at /code/data.py:12" in alarm.diagnosis
    assert "worker of the data loader" in alarm.diagnosis


def test_a_full_card_is_memory_that_ran_out() -> None:
    alarm = ended(1, False, False, CUDA)
    assert alarm is not None
    assert alarm.kind == "out_of_memory"
    assert "Tried to allocate 2.00 GiB" in alarm.diagnosis


def test_what_the_engine_knows_goes_first() -> None:
    killed = ended(137, True, False, ["step=1 loss=2"])
    full = ended(1, False, True, ["ValueError: something else"])
    assert killed is not None
    assert killed.kind == "out_of_memory"
    assert full is not None
    assert full.kind == "storage_full"


@pytest.mark.parametrize(
    "tail",
    [
        ["if you see CUDA out of memory, lower the batch size", "done"],
        ["ValueError: skipped one row", "epoch 3 loss 0.1"],
        [*CUDA, "retrying with a smaller batch", "finished"],
    ],
)
def test_a_run_that_ended_well_is_not_judged_by_its_words(tail: list[str]) -> None:
    assert ended(0, False, False, tail) is None


def test_an_error_caught_long_before_is_not_the_cause() -> None:
    later = ["Traceback (most recent call last):", '  File "a.py", line 3, in go', "KeyError: 'x'"]
    alarm = ended(1, False, False, [*CUDA, "retrying", *["step"] * 20, *later])
    assert alarm is not None
    assert alarm.kind == "crashed"
    assert "KeyError: 'x' at a.py:3 in go" in alarm.diagnosis


def test_an_outcome_that_is_not_known_is_no_alarm() -> None:
    assert ended(None, False, False, ["step=1"]) is None
    assert ended(None, False, False, [*WORKER, "went on", "step=1 loss=0.5"]) is None


def test_a_failure_at_the_end_of_the_log_tells_what_no_exit_code_does() -> None:
    crashed = ended(None, False, False, ["step=1", *WORKER])
    bar = " 50%|#####     | 50/100 [00:05<00:05, 9.5it/s, loss=0.3]"
    full = ended(None, False, False, [*CUDA, bar, "wandb: epoch 3", "wandb: loss 0.3"])
    assert crashed is not None
    assert full is not None
    assert (crashed.kind, full.kind) == ("crashed", "out_of_memory")
    assert "it ended: ValueError: row 7 has no label" in crashed.diagnosis


@given(
    st.integers(-300, 300) | st.none(),
    st.booleans(),
    st.booleans(),
    st.lists(
        st.text(max_size=60)
        | st.sampled_from([*WORKER, *CUDA, "a." * 300 + "Error: x", 'File "', "| " * 900])
    ),
)
def test_no_log_breaks_it(code: int | None, memory: bool, full: bool, tail: list[str]) -> None:
    alarm = ended(code, memory, full, tail)
    if code == 0 and not memory and not full:
        assert alarm is None
    if alarm is not None:
        assert len(alarm.diagnosis) < 2000


def test_long_lines_take_no_time() -> None:
    tail = ["Traceback (most recent call last):"] + ["a." * 50_000 + "b", "a" * 100_000] * 50
    assert ended(1, False, False, tail) is not None
