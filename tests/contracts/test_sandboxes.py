"""What every adapter of the Sandboxes port must do."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.monitoring import Usage
from labcrew.domain.sandbox import (
    OUTPUT_CUT,
    Limits,
    OverlayFile,
    ReadOnlyInput,
    Sandboxes,
    WorkspaceSource,
)
from labcrew.errors import BoundaryError, EngineError, InputError, NotFound, ToolError
from tests.sandboxes.fixtures import Workshop


def ended(sandboxes: Sandboxes, name: str, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while sandboxes.status(name).state != "exited":
        assert time.monotonic() < end, "the container does not end"
        time.sleep(0.05)


class TestRun:
    def test_a_command_runs_in_a_copy_of_the_commit(self, workshop: Workshop) -> None:
        spec = workshop.spec("run", "cat train.py; echo trouble >&2; pwd; exit 3")
        result = workshop.sandboxes.run(spec)
        assert result.exit_code == 3
        assert result.stdout == "print('trained')\n/workspace\n"
        assert result.stderr == "trouble\n"
        assert not result.timed_out
        assert workshop.sandboxes.status(spec.name).state == "missing"

    def test_overlay_left_out_paths_an_emptied_folder_and_inputs(
        self, workshop: Workshop, tmp_path: Path
    ) -> None:
        (tmp_path / "more.csv").write_text("more\n")
        source = WorkspaceSource(
            repository=workshop.name,
            commit=workshop.commit,
            without=("evaluate.py", ".gitignore"),
            emptied="data",
            overlay=(
                OverlayFile(path="train.py", content=b"over\n"),
                OverlayFile(path="new/deep/file", content=b"new\n"),
            ),
        )
        inputs = (ReadOnlyInput(source=tmp_path / "more.csv", target="/data/more.csv"),)
        script = (
            "cat train.py new/deep/file /data/more.csv; ls evaluate.py .gitignore; ls -A data;"
            " echo own >> train.py && echo mine; echo x > /data/more.csv; echo x > /data/y"
        )
        result = workshop.sandboxes.run(
            workshop.spec("overlay", script, workspace=source, inputs=inputs)
        )
        assert result.stdout == "over\nnew\nmore\nmine\n"
        assert result.stderr.count("No such file") == 2
        assert (tmp_path / "more.csv").read_text() == "more\n"

    def test_the_deadline_is_kept_from_outside(self, workshop: Workshop) -> None:
        limits = Limits(memory_mb=128, timeout_s=1)
        script = "trap '' TERM INT; echo on; sleep 3600 & wait; sleep 3600"
        result = workshop.sandboxes.run(workshop.spec("late", script, limits=limits))
        assert result.timed_out
        assert result.stdout == "on\n"

    def test_closing_the_output_does_not_hide_from_the_deadline(self, workshop: Workshop) -> None:
        limits = Limits(memory_mb=128, timeout_s=1)
        spec = workshop.spec("quiet", "exec >/dev/null 2>&1; sleep 3600", limits=limits)
        assert workshop.sandboxes.run(spec).timed_out

    def test_output_is_capped_and_cleaned(self, workshop: Workshop) -> None:
        script = (
            "printf '\\033[31mred\\033[0m \\033]0;title\\007\\000\\377ok\\n'; yes | head -c 5000000"
        )
        result = workshop.sandboxes.run(workshop.spec("flood", script))
        assert result.stdout.startswith("red \ufffdok\n")
        assert result.truncated
        assert len(result.stdout) <= 1 << 20

    def test_running_out_of_memory_is_told(self, workshop: Workshop) -> None:
        limits = Limits(memory_mb=48, timeout_s=30)
        script = "python3 -c 'x = bytearray(200 << 20)'"
        result = workshop.sandboxes.run(workshop.spec("hungry", script, limits=limits))
        assert result.out_of_memory
        assert result.exit_code == 137

    def test_a_missing_image(self, workshop: Workshop) -> None:
        with pytest.raises(EngineError, match="no image"):
            workshop.sandboxes.run(workshop.spec("none", "true", image="labcrew/none:none"))

    def test_an_input_it_could_not_read(self, workshop: Workshop, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.touch(mode=0o600)
        inputs = (ReadOnlyInput(source=secret, target="/data/secret"),)
        spec = workshop.spec("closed", "true", inputs=inputs)
        with pytest.raises(InputError, match="chmod"):
            workshop.sandboxes.run(spec)


class TestDetached:
    def test_starting_twice_starts_once(self, workshop: Workshop) -> None:
        spec = workshop.spec("once", "echo begun; sleep 0.3; echo done; exit 5")
        for _ in range(3):
            workshop.sandboxes.start(spec)
        assert "".join(workshop.sandboxes.follow(spec.name)) == "begun\ndone\n"
        ended(workshop.sandboxes, spec.name)
        workshop.sandboxes.start(spec)
        status = workshop.sandboxes.status(spec.name)
        assert (status.state, status.exit_code) == ("exited", 5)
        assert status.started_at is not None
        assert status.finished_at is not None
        assert "".join(workshop.sandboxes.follow(spec.name)) == "begun\ndone\n"

    def test_stop_remove_and_list(self, workshop: Workshop) -> None:
        spec = workshop.spec("stop", "sleep 60", ticket="T-9")
        workshop.sandboxes.start(spec)
        assert [s.name for s in workshop.sandboxes.list("T-9")] == [spec.name]
        assert workshop.sandboxes.list("T-8") == ()
        workshop.sandboxes.stop(spec.name, grace_s=0)
        workshop.sandboxes.stop(spec.name)
        assert workshop.sandboxes.status(spec.name).state == "exited"
        workshop.sandboxes.remove(spec.name)
        workshop.sandboxes.remove(spec.name)
        assert workshop.sandboxes.status(spec.name).state == "missing"
        workshop.sandboxes.stop(spec.name)

    def test_a_stop_lets_the_command_save_its_work(self, workshop: Workshop) -> None:
        script = "trap 'echo saved > state; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        spec = workshop.spec("save", script)
        workshop.sandboxes.start(spec)
        next(iter(workshop.sandboxes.follow(spec.name)))
        workshop.sandboxes.stop(spec.name, grace_s=5)
        assert workshop.sandboxes.read_file(spec.name, "state") == b"saved\n"

    def test_following_is_capped(self, workshop: Workshop) -> None:
        spec = workshop.spec("loud", f"yes {'0123456789' * 4} | head -c 1500000; echo; echo end 1")
        workshop.sandboxes.start(spec)
        lines = "".join(workshop.sandboxes.follow(spec.name)).split("\n")
        assert sum(len(line) + 1 for line in lines) < (1 << 20) + 200
        (gap,) = [n for n, line in enumerate(lines) if line.startswith(OUTPUT_CUT)]
        assert "not shown: there are more than 1 MiB" in lines[gap]
        assert set(lines[gap + 1 : -4]) == {"0123456789" * 4}
        assert lines[-2:] == ["end 1", ""]

    def test_who_watches_sees_a_run_go_on_past_the_cap(self, workshop: Workshop) -> None:
        script = (
            f"yes {'0123456789' * 4} | head -c 1500000; while sleep 0.05; do echo; echo on; done"
        )
        spec = workshop.spec("loud", script)
        workshop.sandboxes.start(spec)
        seen = 0
        for text in workshop.sandboxes.watch(spec.name):
            seen += len(text)
            assert seen < 1_400_000
            assert OUTPUT_CUT not in text
            if "on" in text:
                break
        assert seen > 1 << 20


class TestBeside:
    def test_a_command_beside_the_one_that_runs(self, workshop: Workshop) -> None:
        spec = workshop.spec("busy", "echo mine > note; sleep 60")
        workshop.sandboxes.start(spec)
        script = "cat note; id -u; echo trouble >&2; exit 3"
        for _ in range(100):
            result = workshop.sandboxes.exec_beside(spec.name, ("sh", "-c", script), timeout_s=10)
            if result.stdout.startswith("mine"):
                break
        assert (result.stdout, result.stderr) == ("mine\n10001\n", "trouble\n")
        assert result.exit_code == 3
        assert workshop.sandboxes.status(spec.name).state == "running"

    def test_a_late_one_is_left(self, workshop: Workshop) -> None:
        spec = workshop.spec("busy", "sleep 3600")
        workshop.sandboxes.start(spec)
        result = workshop.sandboxes.exec_beside(spec.name, ("sleep", "3600"), timeout_s=1)
        assert result.timed_out
        assert result.exit_code == -1  # it goes on

    def test_nothing_runs_there(self, workshop: Workshop) -> None:
        spec = workshop.spec("short", "true")
        workshop.sandboxes.start(spec)
        ended(workshop.sandboxes, spec.name)
        for name in (spec.name, "never-was"):
            with pytest.raises(EngineError):
                workshop.sandboxes.exec_beside(name, ("true",), timeout_s=5)


class TestUsage:
    def used(
        self, workshop: Workshop, script: str, until: Callable[[Usage], bool], **changes: object
    ) -> Usage:
        """What a started script uses once that is as awaited."""
        spec = workshop.spec("used", script, **changes)
        workshop.sandboxes.start(spec)
        end = time.monotonic() + 60
        while True:
            usage = workshop.sandboxes.usage(spec.name)
            assert usage is not None
            if until(usage):
                return usage
            assert time.monotonic() < end, usage
            time.sleep(0.05)

    def test_memory_that_is_allocated(self, workshop: Workshop) -> None:
        script = "python3 -c 'x = bytearray(100 << 20); import time; time.sleep(60)'"
        usage = self.used(workshop, script, lambda now: now.memory_bytes > 100 << 20)
        assert usage.memory_bytes < 130 << 20
        assert usage.memory_limit_bytes == 256 << 20
        assert usage.processes >= 2
        assert usage.gpu_busy is None

    def test_cached_files_are_not_counted(self, workshop: Workshop) -> None:
        script = "head -c 100000000 /dev/zero > big; sync; cat big > /dev/null; sleep 60"
        usage = self.used(workshop, script, lambda now: now.disk_bytes > 100_000_000)
        assert usage.memory_bytes < 60 << 20

    def test_cpu_that_is_burnt(self, workshop: Workshop) -> None:
        self.used(workshop, "while :; do :; done", lambda now: now.cpu_s > 0.5)

    def test_a_sleeper_burns_none(self, workshop: Workshop) -> None:
        spec = workshop.spec("sleeper", "sleep 60")
        workshop.sandboxes.start(spec)
        time.sleep(0.5)
        before = workshop.sandboxes.usage(spec.name)
        time.sleep(1)
        after = workshop.sandboxes.usage(spec.name)
        assert before is not None
        assert after is not None
        assert 0 <= after.cpu_s - before.cpu_s < 0.1

    def test_files_that_are_written(self, workshop: Workshop) -> None:
        limits = Limits(memory_mb=256, timeout_s=30, workspace_mb=100)
        script = "head -c 52428800 /dev/zero > big; sync; sleep 60"
        usage = self.used(workshop, script, lambda now: now.disk_bytes > 50 << 20, limits=limits)
        assert usage.disk_bytes < 55 << 20
        assert 98 << 20 < usage.disk_limit_bytes < 110 << 20

    def test_none_of_what_does_not_run(self, workshop: Workshop) -> None:
        spec = workshop.spec("short", "true")
        workshop.sandboxes.start(spec)
        ended(workshop.sandboxes, spec.name)
        assert workshop.sandboxes.usage(spec.name) is None
        assert workshop.sandboxes.usage("never-was") is None

    def test_a_name_that_is_used_again(self, workshop: Workshop) -> None:
        spec = workshop.spec("again", "sleep 60")
        for _ in range(2):
            workshop.sandboxes.start(spec)
            assert workshop.sandboxes.usage(spec.name) is not None
            workshop.sandboxes.remove(spec.name)
            assert workshop.sandboxes.usage(spec.name) is None

    def test_the_engine_is_not_asked_again(self, workshop: Workshop) -> None:
        spec = workshop.spec("cheap", "sleep 60")
        workshop.sandboxes.start(spec)
        workshop.sandboxes.usage(spec.name)
        asked: list[str] = []
        hooks: Any = workshop.sandboxes.client.hooks["response"]
        hooks.append(hook := lambda answer, **_: asked.append(answer.url))
        try:
            assert workshop.sandboxes.usage(spec.name) is not None
        finally:
            hooks.remove(hook)
        assert asked == []


class TestFiles:
    def test_collect_takes_regular_files_only(self, workshop: Workshop, tmp_path: Path) -> None:
        script = (
            "mkdir -p outputs/deep; echo 1 > outputs/a; echo 2 > outputs/deep/b;"
            " ln -s /etc/passwd outputs/link; ln outputs/a outputs/same; mkfifo outputs/fifo;"
            " chmod 000 outputs/deep; touch \"$(printf 'outputs/new\\nline')\""
            " \"$(printf 'outputs/\\377')\" \"$(printf 'outputs/\\033[31m')\""
        )
        spec = workshop.spec("made", script)
        workshop.sandboxes.start(spec)
        ended(workshop.sandboxes, spec.name)
        for _ in range(2):
            files = workshop.sandboxes.collect(spec.name, "outputs", tmp_path / "out", 10)
            assert [file.path for file in files] in (["a", "deep/b"], ["deep/b", "same"])
        assert (tmp_path / "out/deep/b").read_text() == "2\n"
        assert not list(tmp_path.glob(".out*"))

    def test_a_folder_that_is_not_there(self, workshop: Workshop, tmp_path: Path, lab: str) -> None:
        assert workshop.sandboxes.collect(lab, "nothing", tmp_path / "out", 10) == ()

    @pytest.mark.parametrize("path", ["../etc", "/etc", "a/../../b"])
    def test_paths_that_lead_out(
        self, workshop: Workshop, tmp_path: Path, lab: str, path: str
    ) -> None:
        with pytest.raises(BoundaryError):
            workshop.sandboxes.collect(lab, path, tmp_path / "out", 10)
        with pytest.raises(BoundaryError):
            workshop.sandboxes.read_file(lab, path)

    def test_a_cap_that_a_sparse_terabyte_breaks(
        self, workshop: Workshop, tmp_path: Path, lab: str
    ) -> None:
        workshop.sandboxes.exec(lab, ("sh", "-c", "mkdir o; truncate -s 1T o/holes"))
        with pytest.raises(BoundaryError):
            workshop.sandboxes.collect(lab, "o", tmp_path / "out", 2)
        with pytest.raises(BoundaryError):
            workshop.sandboxes.read_file(lab, "o/holes", cap_mb=1)
        assert not (tmp_path / "out").exists()

    def test_write_and_read(self, workshop: Workshop, lab: str) -> None:
        content = bytes(range(256)) * 100
        workshop.sandboxes.write_files(lab, (OverlayFile(path="x/y.bin", content=content),))
        assert workshop.sandboxes.read_file(lab, "x/y.bin") == content
        owner = workshop.sandboxes.exec(lab, ("stat", "-c", "%u", "x/y.bin"))
        assert owner.stdout == "10001\n"
        with pytest.raises(ToolError):
            workshop.sandboxes.read_file(lab, "x/none")
        workshop.sandboxes.exec(lab, ("ln", "-s", "/etc/passwd", "link"))
        with pytest.raises(BoundaryError):
            workshop.sandboxes.read_file(lab, "link")
        with pytest.raises(BoundaryError):
            workshop.sandboxes.read_file(lab, "x")


class TestExec:
    def test_input_output_and_exit_code(self, workshop: Workshop, lab: str) -> None:
        data = b"0123456789" * 100_000
        result = workshop.sandboxes.exec(
            lab, ("sh", "-c", "wc -c; echo bad >&2; exit 4"), stdin=data
        )
        assert (result.stdout.strip(), result.stderr, result.exit_code) == ("1000000", "bad\n", 4)

    def test_input_that_nobody_reads(self, workshop: Workshop, lab: str) -> None:
        assert workshop.sandboxes.exec(lab, ("true",), stdin=b"x" * 1_000_000).exit_code == 0

    def test_an_unknown_program(self, workshop: Workshop, lab: str) -> None:
        assert workshop.sandboxes.exec(lab, ("no-such-program",)).exit_code in {126, 127}

    def test_the_deadline_ends_everything_of_the_call(self, workshop: Workshop, lab: str) -> None:
        script = "(setsid sleep 3600 &) ; trap '' TERM; sleep 3600 & wait; sleep 3600"
        result = workshop.sandboxes.exec(lab, ("sh", "-c", script), timeout_s=1)
        assert result.timed_out
        assert self.sleepers(workshop, lab) == 0

    @pytest.mark.parametrize("daemon", ["setsid sleep 300", "env -i setsid sleep 300"])
    def test_nothing_outlives_its_call(self, workshop: Workshop, lab: str, daemon: str) -> None:
        workshop.sandboxes.exec(lab, ("sh", "-c", f"touch kept; ({daemon} >/dev/null 2>&1 &)"))
        assert self.sleepers(workshop, lab) == 0
        assert workshop.sandboxes.read_file(lab, "kept") == b""

    def test_a_flood_is_capped(self, workshop: Workshop, lab: str) -> None:
        result = workshop.sandboxes.exec(lab, ("sh", "-c", "yes | head -c 50000000"))
        assert result.truncated
        assert len(result.stdout) <= 8 << 20

    def test_a_container_that_takes_no_calls(self, workshop: Workshop) -> None:
        with pytest.raises(EngineError, match="no container"):
            workshop.sandboxes.exec("missing", ("true",))
        busy = workshop.spec("busy", "sleep 60", purpose="tools")
        workshop.sandboxes.start(busy)
        with pytest.raises(EngineError, match="takes no calls"):
            workshop.sandboxes.exec(busy.name, ("true",))

    def test_many_calls_side_by_side(self, workshop: Workshop, lab: str) -> None:
        def call(number: int) -> tuple[str, int]:
            word = f"{number:05d}" * 20_000
            script = f"cat; cat train.py >&2; exit {number}"
            done = workshop.sandboxes.exec(lab, ("sh", "-c", script), stdin=word.encode())
            assert done.stderr == "print('trained')\n"
            return done.stdout[:5], done.exit_code if len(done.stdout) == len(word) else -1

        with ThreadPoolExecutor(12) as threads:
            assert list(threads.map(call, range(60))) == [(f"{n:05d}", n) for n in range(60)]

    def test_a_command_gets_its_three_streams_and_nothing_else(
        self, workshop: Workshop, lab: str
    ) -> None:
        script = "for n in $(seq 0 99); do test -e /proc/$$/fd/$n && echo $n; done"
        seen = workshop.sandboxes.exec(lab, ("sh", "-c", script), stdin=b"x")
        assert seen.stdout.split() == ["0", "1", "2"]

    @pytest.mark.parametrize("command", [(), ("",), ("echo", "a\0b"), ("echo", "x" * 70_000)])
    def test_a_command_that_no_process_could_get(
        self, workshop: Workshop, lab: str, command: tuple[str, ...]
    ) -> None:
        with pytest.raises(InputError):
            workshop.sandboxes.exec(lab, command)
        assert workshop.sandboxes.exec(lab, ("true",)).exit_code == 0

    def test_a_container_that_was_stopped_is_started_anew(
        self, workshop: Workshop, lab: str
    ) -> None:
        workshop.sandboxes.exec(lab, ("touch", "kept"))
        workshop.sandboxes.stop(lab)
        assert workshop.sandboxes.status(lab).state == "exited"
        assert "kept" in workshop.sandboxes.exec(lab, ("ls",)).stdout

    @staticmethod
    def sleepers(workshop: Workshop, lab: str) -> int:
        found = workshop.sandboxes.exec(lab, ("sh", "-c", "cat /proc/[0-9]*/comm | grep -cx sleep"))
        return int(found.stdout)


def test_what_reaches_nothing_has_asked_for_nothing(workshop: Workshop) -> None:
    spec = workshop.spec("quiet", "true")
    workshop.sandboxes.start(spec)
    assert workshop.sandboxes.requests(spec.name) == ()
    workshop.sandboxes.remove(spec.name)
    assert workshop.sandboxes.requests(spec.name) == ()


def test_capacity(workshop: Workshop) -> None:
    found = workshop.sandboxes.capacity()
    assert found == workshop.sandboxes.capacity()
    assert found.cpus >= 1
    assert found.memory_mb > 64


def test_image_digest(workshop: Workshop) -> None:
    assert workshop.sandboxes.image_digest(workshop.image).startswith("sha256:")
    with pytest.raises(NotFound):
        workshop.sandboxes.image_digest("labcrew/none:none")
