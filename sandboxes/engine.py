"""A Docker engine for machines that have none: `python -m sandboxes.engine ensure`.

An engine that already answers is used as it is and never stopped. Only what labcrew started
itself, and recorded, can be stopped by it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from labcrew.errors import EngineUnavailable, LabcrewError
from labcrew.state_folder import state_folder
from sandboxes.client import REMEDY, connect
from sandboxes.processes import is_engine, reap, run_to_end

# What to install for a program that is missing. Debian's packages of Docker take the place of
# Docker's own, so they are for machines without any dockerd.
PACKAGES = {
    "dockerd": ("docker.io", "runc", "containerd"),
    "iptables": ("iptables",),
    "debootstrap": ("debootstrap",),
}
_EXEC_ROOT = "/run/labcrew-engine"
_START_S = 60.0
# Removes a pid file ($1) unless its process lives and has the name ($2); a zombie does not live.
_TIDY = (
    'pid=$(cat "$1" 2>/dev/null) || exit 0; name=$(cat "/proc/$pid/comm" 2>/dev/null);'
    ' state=$(sed -n "s/^State:[[:space:]]*//p" "/proc/$pid/status" 2>/dev/null);'
    ' case "$name:$state" in "$2":[!Z]*) ;; *) rm -f "$1" ;; esac'
)

Say = Callable[[str], None]


class Engine:
    """The local engine, with a folder where labcrew notes that it started it.

    Args:
        state: the folder for the record, the pid file and the log; default: beneath
            $XDG_STATE_HOME or ~/.local/state.
        say: is told in plain words what is being done.
    """

    def __init__(self, state: Path | None = None, say: Say = lambda text: None) -> None:
        self.state = (state or state_folder() / "engine").absolute()
        self.say = say

    @property
    def log(self) -> Path:
        return self.state / "dockerd.log"

    def ensure(self, *, keep: bool = True) -> bool:
        """Makes sure that an engine answers; True if this call started it.

        Args:
            keep: the engine stays until `stop`; False: the last `run` may stop it.

        Raises:
            EngineUnavailable: none answers and none could be started.
        """
        with self._locked("lock"):
            return self._ensure(keep)

    def stop(self) -> bool:
        """Stops the engine that labcrew started; False if it started none that lives."""
        with self._locked("lock"):
            return self._stop()

    def status(self) -> str:
        """One line for a person: whether an engine answers, and who started it."""
        try:
            version = connect(5).version()["Version"]
        except EngineUnavailable as error:
            return str(error)
        whose = "started by labcrew" if self._record() else "not started by labcrew"
        return f"Docker engine {version} answers ({whose})."

    def answers(self) -> bool:
        """Whether any engine answers, whoever started it."""
        try:
            connect(5)
        except EngineUnavailable:
            return False
        return True

    def run(self, command: Sequence[str]) -> int:
        """Ensures an engine, runs a command, and stops the engine if only such runs needed it.

        Several runs share one engine: the last to end stops it. An engine that was there before,
        or that `ensure` asked for, is left alone.
        """
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / "users").open("a") as users:
            with self._locked("lock"):
                self._ensure(False)
                fcntl.flock(users, fcntl.LOCK_SH)  # the kernel drops it, however this ends
            try:
                return run_to_end(command)
            finally:
                with self._locked("lock"):
                    fcntl.flock(users, fcntl.LOCK_UN)
                    try:
                        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        pass  # another run still uses it, and will stop it
                    else:
                        record = self._record()
                        if record and not record.get("keep"):
                            self._stop()

    def _ensure(self, keep: bool) -> bool:
        try:
            version = connect(10).version()["Version"]
        except EngineUnavailable as error:
            if os.environ.get("DOCKER_HOST") or _forbidden(error):
                raise
        else:
            record = self._record()
            if record and keep and not record.get("keep"):
                self._write_record({**record, "keep": True})
            self.say(f"Docker engine {version} answers; nothing to do.")
            return False
        state, _ = _unit()  # before an installation, which starts it too
        if self._record() or state in ("active", "activating", "reloading"):
            self.say("A Docker engine runs, but does not answer yet; waiting for it …")
            self._wait(None)
            return self._ensure(keep)
        self._install()
        if _systemd():
            return self._start_unit(keep, was_down=state in ("inactive", "failed"))
        process = self._start(keep)
        if not _has_bridge():
            # A restarted engine can have lost its bridge; starting once more brings it back.
            self.say("The engine came up without its bridge; starting it once more.")
            self._end(self._pid() or process.pid)
            self._start(keep)
        self.say(f"Docker engine started; its log is {self.log}")
        return True

    def _start_unit(self, keep: bool, *, was_down: bool) -> bool:
        """Has systemd start Docker; it is labcrew's only where it is known to have been down."""
        self._root("systemctl", "start", "docker")
        if was_down:
            _, invocation = _unit()
            self._write_record(
                {"by": "systemctl", "pid": 0, "invocation": invocation, "keep": keep}
            )
        self._wait(None)
        return was_down

    def _install(self) -> None:
        missing = [name for name in PACKAGES if not shutil.which(name, path=_PATH)]
        if not missing:
            return
        if not shutil.which("apt-get"):
            if "dockerd" not in missing:
                return
            raise EngineUnavailable(
                "Docker is not installed, and this is not Debian or Ubuntu", REMEDY
            )
        packages = [package for name in missing for package in PACKAGES[name]]
        self.say(f"Installing {' '.join(packages)} with apt-get …")
        options = ("-y", "--no-remove", "--no-install-recommends")
        install = ("apt-get", "install", *options, *packages)
        environment = ("env", "DEBIAN_FRONTEND=noninteractive")
        try:
            self._root(*environment, *install)
        except EngineUnavailable:
            # Package lists can be missing or out of date: fetch them and try once more.
            self._root(*environment, "apt-get", "update", "-q")
            self._root(*environment, *install)

    def _start(self, keep: bool) -> subprocess.Popen[bytes]:
        pid_file = self.state / "dockerd.pid"
        # Killed ones leave these behind, and the next start would wait for the dead, or refuse.
        self._root("sh", "-c", _TIDY, "tidy", str(pid_file), "dockerd")
        self._root(
            "sh", "-c", _TIDY, "tidy", f"{_EXEC_ROOT}/containerd/containerd.pid", "containerd"
        )
        self.state.mkdir(parents=True, exist_ok=True)
        self.say("Starting a Docker engine …")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*self._sudo(), "dockerd", "--pidfile", str(pid_file), "--exec-root", _EXEC_ROOT],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PATH": _PATH},
                cwd="/",
            )
        record = {"by": "dockerd", "pid": process.pid, "keep": keep}
        self._write_record(record)  # one that never answers can be stopped, too
        try:
            self._wait(process)
        finally:
            # The process may be sudo's, which can't hand on a kill.
            self._write_record({**record, "pid": self._pid() or process.pid})
        return process

    def _wait(self, process: subprocess.Popen[bytes] | None) -> None:
        end = time.monotonic() + _START_S
        while True:
            try:
                connect(5)
                return
            except EngineUnavailable as error:
                if _forbidden(error):
                    raise
                ended = process is not None and process.poll() is not None
                if ended or time.monotonic() > end:
                    log = f"The end of its log, {self.log}:\n{self._tail()}"
                    if process is None and _systemd():
                        log = "Its log: `journalctl -u docker`"
                    raise EngineUnavailable(
                        f"The Docker engine did not start: {error.message}", f"{log}\n{REMEDY}"
                    ) from error
            time.sleep(0.2)

    def _stop(self) -> bool:
        record = self._record()
        if not record:
            return False
        if record.get("by") == "systemctl":
            self._root("systemctl", "stop", "docker.socket", "docker")
        else:
            self._end(int(str(record["pid"])))
        (self.state / "engine.json").unlink(missing_ok=True)
        self.say("Docker engine stopped.")
        return True

    def _end(self, pid: int) -> None:
        self._root("kill", "-TERM", str(pid))
        end = time.monotonic() + 30
        while is_engine(pid) and time.monotonic() < end:
            time.sleep(0.1)
            reap(pid)
        if is_engine(pid):
            self._root("kill", "-KILL", str(pid))

    def _record(self) -> dict[str, object] | None:
        """What was noted at the start, if that engine still lives."""
        try:
            record = json.loads((self.state / "engine.json").read_text())
            pid = int(record["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if record.get("by") == "systemctl":
            started = record.get("invocation")
            return record if started and _unit() == ("active", started) else None
        return record if is_engine(pid) else None

    def _write_record(self, record: dict[str, object]) -> None:
        self.state.mkdir(parents=True, exist_ok=True)
        draft = self.state / "engine.json.new"
        draft.write_text(json.dumps(record))
        draft.replace(self.state / "engine.json")

    def _pid(self) -> int | None:
        try:
            return int((self.state / "dockerd.pid").read_text())
        except (OSError, ValueError):
            return None

    def _tail(self) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        except OSError:
            return "(no log)"

    def _sudo(self) -> list[str]:
        if os.geteuid() == 0:
            return []
        if shutil.which("sudo"):
            return ["sudo", "-n"] if not sys.stdin.isatty() else ["sudo"]
        raise EngineUnavailable(
            "Starting a Docker engine needs root, and there is no sudo here",
            "Ask the machine's administrator to start one, or set DOCKER_HOST. " + REMEDY,
        )

    def _root(self, *command: str) -> None:
        """Runs a command as root; its output is shown only when it fails."""
        done = subprocess.run(
            [*self._sudo(), *command],
            stdin=None if sys.stdin.isatty() else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PATH": _PATH},
            cwd="/",
        )
        if done.returncode != 0:
            tail = "\n".join(done.stdout.splitlines()[-10:])
            raise EngineUnavailable(f"`{' '.join(command)}` failed:\n{tail}", REMEDY)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self.state.mkdir(parents=True, exist_ok=True)
        with (self.state / name).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


_PATH = os.pathsep.join(
    dict.fromkeys([*os.get_exec_path(), "/usr/local/sbin", "/usr/sbin", "/sbin"])
)


def _forbidden(error: EngineUnavailable) -> bool:
    """Whether an engine may well be there, but not for this user: waiting changes nothing."""
    return "may not use" in error.message


def _has_bridge() -> bool:
    return Path("/sys/class/net/docker0").exists()


def _systemd() -> bool:
    return Path("/run/systemd/system").exists() and shutil.which("systemctl") is not None


def _unit() -> tuple[str, str]:
    """The state of systemd's unit for Docker, and the id of its last start; "" for unknown."""
    if not _systemd():
        return "", ""
    shown = subprocess.run(
        ["systemctl", "show", "docker", "--property=ActiveState,InvocationID"],
        capture_output=True,
        text=True,
        cwd="/",
        env={**os.environ, "PATH": _PATH},
    ).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return values.get("ActiveState", ""), values.get("InvocationID", "")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.engine", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ensure", help="start an engine if none answers")
    commands.add_parser("stop", help="stop the engine that labcrew started")
    commands.add_parser("status", help="say whether an engine answers")
    run = commands.add_parser("run", help="ensure, run a command, stop what was started")
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    given = parser.parse_args(arguments)
    engine = Engine(say=lambda text: print(text, flush=True))
    try:
        if given.command == "ensure":
            engine.ensure()
        elif given.command == "status":
            print(engine.status())
            return 0 if engine.answers() else EngineUnavailable.exit_code
        elif given.command == "stop":
            if not engine.stop():
                print("labcrew started no engine that still runs; nothing was stopped.")
        else:
            program = given.program[1:] if given.program[:1] == ["--"] else given.program
            if not program:
                parser.error("run needs a command: python -m sandboxes.engine run -- COMMAND")
            return engine.run(program)
    except LabcrewError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
