"""The judge of the scaffold's answers: hidden tests, each answer in a process that can do nothing.

`python score.py RUNS SCORES`: RUNS has a folder a run with case.json and output (source text);
SCORES is written, run → {"score": 1.0 or 0.0, "why": text}. The standard library alone.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

WAIT_S = 20.0  # far more than the two seconds of the processor: a busy machine changes no score
SOURCE_BYTES = 20_000
SAID_BYTES = 1_000_000
ANSWERING = Path(__file__).with_name("answering.py")


PROBE = """
import os
def probe(step):
    try:
        [lambda: os.open("/", 0), lambda: os.kill(os.getppid(), 0), os.fork][step]()
    except OSError:
        return "refused"
"""


def main(runs: str, scores: str) -> None:
    """Scores every run.

    Raises:
        SystemExit: an answer's process can't be shut in here: then nothing is scored.
        OSError, ValueError: a run's case can't be read: then there are no scores at all.
    """
    tests = [{"args": [step], "result": "refused"} for step in range(3)]
    if why := wrong(PROBE.encode(), "probe", tests):
        raise SystemExit(f"An answer's process can't be shut in here: {why}.")
    folders = sorted(path for path in Path(runs).iterdir() if path.is_dir())
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(judged, folders))
    scored = {
        folder.name: {"score": 0.0 if why else 1.0, "why": why}
        for folder, why in zip(folders, found, strict=True)
    }
    Path(scores).write_text(json.dumps(scored), encoding="utf-8")


def judged(folder: Path) -> str:
    """Why a run's answer is wrong; empty when it passes every test."""
    case = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    output = folder / "output"
    if not output.is_file() or output.is_symlink():
        return "no answer"
    with output.open("rb") as file:
        source = file.read(SOURCE_BYTES + 1)
    return wrong(source, case["input"]["name"], case["answer"]["tests"])


def wrong(source: bytes, name: str, tests: list[dict[str, Any]]) -> str:
    """What an answer gets wrong first; empty when nothing.

    Args:
        source: the answer: untrusted.
        name: of the function it should define.
        tests: args and result of calls. A call that stands there twice is made once, so two
            different results of it can't both be met.
    """
    if len(source) > SOURCE_BYTES:
        return "the answer is too long"
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return "the answer is no text"
    if not text.strip() or "\0" in text:
        return "no answer"
    calls: list[str] = []
    for test in tests:
        written = json.dumps(test["args"])
        if written not in calls:
            calls.append(written)
    said = answered(json.dumps([text, name, [json.loads(call) for call in calls]]))
    if isinstance(said, str):
        return said
    # Nothing that the answer touched has seen a result that is expected: it can't say it unless
    # it has worked it out.
    if not isinstance(said, list) or len(said) != len(calls):
        return "the answer meddled with how it is run"
    for test in tests:
        reply = said[calls.index(json.dumps(test["args"]))]
        shown = f"{name}({', '.join(map(repr, test['args']))})"[:160]
        if isinstance(reply, dict) and set(reply) == {"error"}:
            return f"{shown} raises {_plain(reply['error'])}"
        if not (isinstance(reply, dict) and set(reply) == {"value"}):
            return "the answer meddled with how it is run"
        if not same(reply["value"], test["result"]):
            return f"wrong answer for {shown}"
    return ""


def answered(asked: str) -> Any:
    """What the answer's process says, as plain data; a text says why it said nothing."""
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", str(ANSWERING), str(writing)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(writing,),
            cwd=empty,
            env={},
            start_new_session=True,
        )
        os.close(writing)
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        clock = threading.Timer(WAIT_S, end)
        clock.start()
        try:
            assert process.stdin is not None
            try:
                process.stdin.write(asked.encode())
                process.stdin.close()
            except BrokenPipeError:
                pass
            with os.fdopen(reading, "rb") as pipe:
                said = pipe.read(SAID_BYTES + 1)
        finally:
            clock.cancel()
            process.kill()
            ended = process.wait()
    if late.is_set() or (-ended in (signal.SIGXCPU, signal.SIGKILL) and not said):
        return "takes too long"
    if len(said) > SAID_BYTES:
        return "returns too much"
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return "ends Python" if not said else "the answer meddled with how it is run"
    if isinstance(found, dict) and set(found) == {"broken"}:
        return f"can't be run: {_plain(found['broken'])}"
    return [] if isinstance(found, str) else found


def same(got: Any, expected: Any) -> bool:
    """Whether two values of JSON are equal: true is not 1; numbers within a billionth."""
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(got) is type(expected) and bool(got == expected)
    if isinstance(expected, int | float):
        if isinstance(got, bool) or not isinstance(got, int | float):
            return False
        if isinstance(got, int) and isinstance(expected, int):
            return got == expected
        try:
            return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9)
        except OverflowError:
            return False
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(same(a, b) for a, b in zip(got, expected, strict=True))
        )
    return (
        isinstance(got, dict)
        and got.keys() == expected.keys()
        and all(same(got[key], expected[key]) for key in expected)
    )


def _plain(text: Any) -> str:
    return "".join(c for c in str(text)[:120] if c.isprintable())


if __name__ == "__main__":
    main(*sys.argv[1:])
