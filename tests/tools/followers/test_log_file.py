"""Log files as they really behave: late, truncated, rotated, without newlines, hostile."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.errors import InputError
from tools.followers.log_file import LogFile
from tools.followers.notifier import Notifier
from tools.followers.source import Place
from tools.followers.writers import Writers


@pytest.fixture
def notifier() -> Iterator[Notifier]:
    made = Notifier()
    yield made
    made.close()


def text(log: LogFile) -> str:
    return "".join(log.read())


def test_a_write_wakes_within_milliseconds(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "train.log"
    log = LogFile(path, notifier, 7)
    assert log.announced
    assert text(log) == ""
    with path.open("w") as file:
        assert notifier.wait(60) == {7}
        assert text(log) == ""
        for n in range(20):
            file.write(f"loss {n}\n")
            file.flush()
            assert notifier.wait(60) == {7}
            assert text(log) == f"loss {n}\n"
    assert notifier.wait(0) == set()
    log.close()


def test_another_file_of_the_folder_does_not_wake(tmp_path: Path, notifier: Notifier) -> None:
    log = LogFile(tmp_path / "a.log", notifier, 1)
    (tmp_path / "b.log").write_text("loss 1\n")
    assert notifier.wait(0.05) == set()
    log.close()


def test_what_grows_by_bytes_comes_as_it_comes(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    raw = "läuft 1\n".encode()
    path.write_bytes(raw[:2])
    log = LogFile(path, notifier, 1)
    got = text(log)
    for byte in raw[2:]:
        with path.open("ab") as file:
            file.write(bytes([byte]))
        got += text(log)
    assert got == "läuft 1\n"
    log.close()


def test_truncated_is_read_from_its_start(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    log = LogFile(path, notifier, 1)
    assert text(log) == "one\ntwo\n"
    path.write_text("3\n")
    assert text(log) == "3\n"
    log.close()


def test_rotated_is_read_to_its_end_and_then_the_new_one(
    tmp_path: Path, notifier: Notifier
) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\n")
    log = LogFile(path, notifier, 1)
    assert text(log) == "one\n"
    writer = path.open("a")
    path.rename(tmp_path / "a.log.1")
    writer.write("two\n")
    writer.close()
    assert text(log) == "two\n"
    notifier.wait(0.05)
    path.write_text("three\n")
    assert notifier.wait(60) == {1}
    assert text(log) == "three\n"
    log.close()


def test_from_end_leaves_out_what_is_there(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\n")
    log = LogFile(path, notifier, 1, from_end=True)
    assert text(log) == ""
    with path.open("a") as file:
        file.write("new\n")
    assert text(log) == "new\n"
    log.close()


def test_a_place_is_found_again_in_the_same_file_alone(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n")
    same = LogFile(path, notifier, 1, start=Place(file=path.stat().st_ino, offset=4))
    other = LogFile(path, notifier, 1, start=Place(file=path.stat().st_ino + 1, offset=4))
    assert (text(same), text(other)) == ("two\n", "one\ntwo\n")
    same.close()
    other.close()


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_a_regular_file_is_opened(tmp_path: Path, notifier: Notifier, kind: str) -> None:
    path, secret = tmp_path / "a.log", tmp_path / "secret"
    secret.write_text("token\n")
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(InputError, match=r"link|regular"):
        LogFile(path, notifier, 1)


def test_a_link_put_in_its_place_later_is_refused_too(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\n")
    log = LogFile(path, notifier, 1)
    assert text(log) == "one\n"
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(InputError, match="link"):
        text(log)
    log.close()


def test_a_folder_that_comes_later(tmp_path: Path, notifier: Notifier) -> None:
    log = LogFile(tmp_path / "later" / "a.log", notifier, 1)
    before = log.announced
    assert text(log) == ""
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.log").write_text("one\n")
    assert text(log) == "one\n"
    assert (before, log.announced) == (False, True)
    log.close()


def test_it_is_over_when_its_writer_has_gone(tmp_path: Path, notifier: Notifier) -> None:
    path = tmp_path / "a.log"
    program = "import sys; f = open(sys.argv[1], 'w'); print('up', flush=True); input()"
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    assert run.stdin is not None
    run.stdout.readline()
    log = LogFile(path, notifier, 1, quiet_s=1000)
    assert text(log) == ""
    assert log.ended(3) is None
    run.communicate(b"\n", timeout=30)
    assert log.ended(1) is None
    ended = None
    for _ in range(600):  # it looks for writers every other second
        time.sleep(0.1)
        ended = log.ended(3)
        if ended is not None:
            break
    assert ended is not None
    assert ended.exit_code is None
    assert "gone" in ended.reason
    log.close()


def test_a_program_that_closes_its_log_between_epochs_is_not_over(
    tmp_path: Path, notifier: Notifier
) -> None:
    path = tmp_path / "a.log"
    program = "import sys; f = open(sys.argv[1], 'w'); print('up', flush=True); input(); f.close()"
    program += "; print('closed', flush=True); input()"
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert run.stdout is not None
    assert run.stdin is not None
    run.stdout.readline()
    at = 0.0
    log = LogFile(path, notifier, 1, quiet_s=1000, writers=Writers(lambda: at))
    assert text(log) == ""
    assert log.ended(3) is None
    run.stdin.write(b"\n")
    run.stdin.flush()
    run.stdout.readline()
    at = 1000.0
    assert log.ended(999) is None
    run.communicate(b"\n", timeout=30)
    ended = log.ended(999)
    assert ended is not None
    assert "gone" in ended.reason
    log.close()


def test_a_file_that_nobody_was_seen_to_write_ends_after_its_silence(
    tmp_path: Path, notifier: Notifier
) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\n")
    log = LogFile(path, notifier, 1, quiet_s=30)
    assert log.ended(29) is None
    assert log.ended(31) is not None
    log.close()


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.binary(min_size=1, max_size=40)),
            st.tuples(st.just("rotate"), st.just(b"")),
            st.tuples(st.just("read"), st.just(b"")),
        ),
        max_size=30,
    )
)
def test_no_byte_is_lost_or_read_twice(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("log")
    path, notifier = folder / "a.log", Notifier()
    path.write_bytes(b"")
    log, got, expected, pending, rotated = LogFile(path, notifier, 1), "", "", b"", 0
    for step, data in steps:
        if step == "write":
            with path.open("ab") as file:
                file.write(data)
            pending += data
        else:
            # A file that was rotated unread, twice, is beyond anybody's reach: it is read before.
            got += text(log)
            if step == "rotate":
                path.rename(folder / f"a.log.{rotated}")
                rotated += 1
                path.write_bytes(b"")
                got += text(log)
                expected += pending.decode("utf-8", "replace")
                pending = b""
    path.rename(folder / "last")
    path.write_bytes(b"")
    got += text(log)
    expected += pending.decode("utf-8", "replace")
    log.close()
    notifier.close()
    assert got == expected
