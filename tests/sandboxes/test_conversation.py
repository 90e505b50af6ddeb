"""Calls that ask the host while they run: answers reach them, and nothing they send does harm."""

import json
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.sandbox import RunResult
from labcrew.errors import ModelFailure, OutputExceeded, RunnerLost
from sandboxes.runner import conversation
from sandboxes.runner.conversation import Conversation
from sandboxes.runner.inside import frames
from tests.sandboxes.fixtures import Workshop

engine = pytest.mark.engine
Answer = Callable[[str], str | None]


def echo(line: str) -> str:
    return f"you said {line}"


def talk(
    workshop: Workshop,
    lab: str,
    script: str,
    answer: Answer = echo,
    *,
    timeout_s: float = 20,
    overall_s: float = 60,
    stdin: bytes = b"",
) -> RunResult:
    return workshop.sandboxes.converse(
        lab,
        ("python3", "-c", textwrap.dedent(script)),
        answer=answer,
        stdin=stdin,
        timeout_s=timeout_s,
        overall_s=overall_s,
    )


def is_well(workshop: Workshop, lab: str) -> None:
    found = workshop.sandboxes.exec(lab, ("sh", "-c", "cat /proc/[0-9]*/comm; exit 5"))
    assert found.exit_code == 5
    assert set(found.stdout.split()) <= {"python3", "sh", "cat"}


@engine
def test_lines_are_answered_while_it_runs(workshop: Workshop, lab: str) -> None:
    script = """
    import sys
    print(sys.stdin.readline(), end="", file=sys.stderr)
    for word in ("one", "zwölf"):
        print(word, flush=True)
        print(sys.stdin.readline(), end="", file=sys.stderr)
    sys.exit(3)
    """
    result = talk(workshop, lab, script, stdin=b"hello\n")
    assert result.stderr == "hello\nyou said one\nyou said zwölf\n"
    assert (result.exit_code, result.stdout) == (3, "one\nzwölf\n")
    is_well(workshop, lab)


@engine
def test_what_is_no_question_gets_no_answer(workshop: Workshop, lab: str) -> None:
    script = """
    import sys
    print("note\\n\\n   \\nask", flush=True)
    print(sys.stdin.readline(), end="", file=sys.stderr)
    print("half a line", end="", flush=True)
    """
    heard: list[str] = []

    def answer(line: str) -> str | None:
        heard.append(line)
        return "told" if line == "ask" else None

    result = talk(workshop, lab, script, answer)
    assert result.stderr == "told\n"
    assert heard == ["note", "ask"]


@engine
def test_time_spent_answering_is_counted_apart(workshop: Workshop, lab: str) -> None:
    def slow(line: str) -> str:
        time.sleep(1.5)
        return line

    script = "print('ask', flush=True); input(); open('done', 'w')"
    result = talk(workshop, lab, script, slow, timeout_s=1)
    assert (result.exit_code, result.timed_out) == (0, False)
    assert result.answered_s >= 1.5
    assert result.duration_s > result.answered_s
    assert workshop.sandboxes.read_file(lab, "done") == b""


@engine
def test_the_outer_deadline_holds_for_all(workshop: Workshop, lab: str) -> None:
    def slow(line: str) -> str:
        time.sleep(0.4)
        return line

    script = "while True: print('ask', flush=True); input()"
    result = talk(workshop, lab, script, slow, timeout_s=30, overall_s=1)
    assert result.timed_out
    is_well(workshop, lab)


@engine
def test_its_own_deadline_ends_it_and_what_it_left(workshop: Workshop, lab: str) -> None:
    script = """
    import os
    if os.fork() == 0:
        os.setsid()
        while True: os.write(1, b"more\\n"); os.read(0, 100)
    print("ask", flush=True)
    while True: pass
    """
    assert talk(workshop, lab, script, timeout_s=1).timed_out
    is_well(workshop, lab)


@engine
@pytest.mark.parametrize(
    "script",
    [
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        "import os\nwhile True: os.write(1, b'\\n' * 65536)",
        "import os\nwhile True: os.write(1, b'{\\n' * 32768)",
        "import os\nwhile True: os.write(1, os.urandom(65536))",
        "import os\nos.close(0)\nwhile True: os.write(1, b'ask\\n' * 9999)",
    ],
    ids=["no line break", "blank", "short", "binary", "takes no answer"],
)
def test_a_flood_ends_when_it_is_more_than_is_listened_to(
    workshop: Workshop, lab: str, script: str
) -> None:
    heard: list[int] = []

    def answer(line: str) -> str:
        heard.append(len(line))
        return "y" * 5000

    with pytest.raises(OutputExceeded, match="4 MiB on its standard output"):
        talk(workshop, lab, script, answer)
    assert len(heard) <= conversation.QUESTIONS
    assert max(heard, default=0) <= conversation.LINE_BYTES
    is_well(workshop, lab)


@engine
def test_a_flood_of_errors_ends_with_its_deadline(workshop: Workshop, lab: str) -> None:
    script = "import os\nos.close(1)\nwhile True: os.write(2, b'ask\\n' * 9999)"
    result = talk(workshop, lab, script, timeout_s=1)
    assert (result.timed_out, result.truncated) == (True, True)
    is_well(workshop, lab)


@engine
def test_a_question_is_heard_behind_much_plain_output(workshop: Workshop, lab: str) -> None:
    script = "print('note\\n' * 20_000 + 'ask', flush=True)\nprint(input())"
    said = workshop.sandboxes.converse(
        lab,
        ("python3", "-c", script),
        answer=lambda line: "told" if line == "ask" else None,
    )
    assert said.stdout.endswith("note\nask\ntold\n")


@engine
def test_one_that_never_reads_stops_being_answered(workshop: Workshop, lab: str) -> None:
    script = "import os\nfor _ in range(5000): os.write(1, b'ask\\n')\nwhile True: pass"
    answers: list[str] = []

    def answer(line: str) -> str:
        answers.append(line)
        return "y" * 60_000

    assert talk(workshop, lab, script, answer, timeout_s=1).timed_out
    most = frames.WINDOW_BYTES + (1 << 17)  # under way, and in its pipe
    assert len(answers) * 60_000 <= most + 60_000
    is_well(workshop, lab)


@engine
def test_dead_in_the_middle_of_a_line(workshop: Workshop, lab: str) -> None:
    script = "import os\nos.write(1, b'ask\\n{\"half')\nos.kill(os.getpid(), 9)"
    heard: list[str] = []
    result = talk(workshop, lab, script, lambda line: heard.append(line))
    assert result.exit_code == 137
    assert set(heard) <= {"ask"}
    is_well(workshop, lab)


@engine
def test_a_killed_warden_leaves_it_unknown(workshop: Workshop, lab: str) -> None:
    script = "import os\nprint('ask', flush=True)\ninput()\nos.kill(os.getppid(), 9)\ninput()"
    with pytest.raises(RunnerLost):
        talk(workshop, lab, script)
    is_well(workshop, lab)


@engine
def test_an_answer_that_fails_ends_it(workshop: Workshop, lab: str) -> None:
    def fails(line: str) -> str:
        raise ModelFailure("No model answers", kind="unavailable")

    with pytest.raises(ModelFailure, match="No model answers"):
        talk(workshop, lab, "print('ask', flush=True)\nwhile True: pass", fails)
    is_well(workshop, lab)


@engine
def test_others_call_on_while_one_is_answered(workshop: Workshop, lab: str) -> None:
    asked, others = threading.Event(), threading.Event()

    def answer(line: str) -> str:
        asked.set()
        assert others.wait(60)
        return "now"

    with ThreadPoolExecutor(1) as threads:
        script = "print('ask', flush=True); print(input())"
        talking = threads.submit(talk, workshop, lab, script, answer)
        assert asked.wait(60)
        for _ in range(3):
            assert workshop.sandboxes.exec(lab, ("echo", "fine")).stdout == "fine\n"
        others.set()
        assert talking.result(60).stdout == "ask\nnow\n"


@given(st.binary(max_size=3000), st.lists(st.integers(1, 400), max_size=30))
def test_lines_are_what_lies_between_breaks_however_they_come(said: bytes, cuts: list[int]) -> None:
    heard: list[str] = []
    call = Conversation(1, 1 << 20, b"", 10, 10, lambda line: heard.append(line))
    at = 0
    for cut in [*cuts, 4000]:
        if piece := said[at : at + cut]:
            assert call.take(frames.STDOUT, piece) == ""
        at += cut
        while call.asks:
            call.reply()
    lines = [line for line in said.split(b"\n")[:-1] if line.strip()]
    assert heard == [line.decode("utf-8", "replace") for line in lines]


def test_a_question_is_heard_behind_any_number_of_plain_lines() -> None:
    heard: list[str] = []
    call = Conversation(1, 1 << 20, b"", 10, 10, lambda line: heard.append(line))
    for _ in range(3):
        assert call.take(frames.STDOUT, b"\n" * 60_000 + b"a\n" * 4000) == ""
    assert call.take(frames.STDOUT, b"ask\n") == ""
    while call.asks:
        call.reply()
    assert heard == ["a"] * 12_000 + ["ask"]
    assert call.error is None


def test_more_questions_than_are_answered_end_it() -> None:
    heard: list[str] = []

    def answered(line: str) -> str:
        heard.append(line)
        return line

    call = Conversation(1, 1 << 20, b"", 10, 10, answered)
    assert call.take(frames.STDOUT, b"a\n" * (conversation.QUESTIONS + 5)) == ""
    while call.asks and call.error is None:
        call.reply()
        call.piece(10)
    assert len(heard) == conversation.QUESTIONS + 1
    assert isinstance(call.error, OutputExceeded)
    assert "asked more than 10,000 times" in str(call.error)
    assert call.deadline <= time.monotonic()


def test_a_full_standard_output_ends_it_at_once() -> None:
    heard: list[str] = []
    call = Conversation(1, 1 << 20, b"", 10, 10, lambda line: heard.append(line))
    for _ in range(10):
        assert call.take(frames.STDOUT, b"a" * 104_857) == ""
        assert not call.asks
    assert call.take(frames.STDOUT, b"\n12345") == ""
    assert call.asks
    call.reply()
    assert heard == []
    assert "1 MiB on its standard output" in str(call.error)
    assert call.deadline <= time.monotonic()


def test_what_comes_while_an_answer_is_made_ends_it_at_once() -> None:
    def answer(line: str) -> str:
        call.take(frames.STDOUT, b"x" * ((1 << 20) - 4))
        return line

    call = Conversation(1, 1 << 20, b"", 10, 10, answer)
    assert call.take(frames.STDOUT, b"ask\n") == ""
    call.reply()
    assert isinstance(call.error, OutputExceeded)
    assert call.deadline <= time.monotonic()


def test_a_line_that_is_too_long_comes_cut() -> None:
    heard: list[str] = []
    call = Conversation(1, 1 << 22, b"", 10, 10, lambda line: heard.append(line))
    for _ in range(5):
        assert call.take(frames.STDOUT, json.dumps({"a": "x" * 100_000}).encode()) == ""
    assert call.take(frames.STDOUT, b"\nb\n") == ""
    while call.asks:
        call.reply()
    assert [len(line) for line in heard] == [conversation.LINE_BYTES, 1]
