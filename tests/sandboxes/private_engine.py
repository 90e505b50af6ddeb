"""A Docker engine of a test's own, which may be killed: nothing of the machine's own is touched."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandboxes.client import connect
from sandboxes.images import base_tag

_START_S = 90.0


class PrivateEngine:
    """An engine with its own data, socket and network namespace.

    Without a namespace of its own, an engine that has no bridge deletes that of the other one.

    Args:
        folder: everything it has; must be short, for it holds a socket.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What DOCKER_HOST is to be."""
        return f"unix://{self._folder}/socket"

    def start(self) -> None:
        """Starts it, also after it was killed, and waits until it answers."""
        # Their processes may be zombies yet, which the next engine takes for living ones.
        for left in ("pid", "exec/containerd/containerd.pid"):
            (self._folder / left).unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("unshare", "--net", "dockerd", "--host", self.host),
                    *("--data-root", str(self._folder / "data")),
                    *("--exec-root", str(self._folder / "exec")),
                    *("--pidfile", str(self._folder / "pid")),
                    *("--bridge", "none", "--iptables=false", "--ip-forward=false"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + _START_S
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(0.2)
        raise AssertionError((self._folder / "log").read_text()[-3000:])

    def kill(self) -> None:
        """Ends it by SIGKILL, in the midst of whatever it does; what it runs goes on."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order, and removes everything it had."""
        self._end(signal.SIGTERM)
        self._end_what_runs_on()
        for line in Path("/proc/mounts").read_text().splitlines():
            place = line.split()[1]
            if place.startswith(str(self._folder)):
                subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def client(self, timeout_s: int = 60) -> Any:
        """A client of it."""
        import docker

        client = docker.APIClient(
            base_url=self.host, version="auto", timeout=timeout_s, num_pools=32
        )
        client.ping()
        return client

    def take_base_image(self) -> None:
        """Copies labcrew's image from the machine's engine."""
        ours, theirs = connect(), self.client(timeout_s=600)  # a busy machine unpacks slowly
        try:
            theirs.load_image(ours.get_image(base_tag()))
        finally:
            ours.close()
            theirs.close()

    def _end_what_runs_on(self) -> None:
        """Containers that it could not end, because it could not be started again."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            if words[0].endswith("containerd-shim-runc-v2") and str(self._folder) in " ".join(
                words
            ):
                os.kill(int(folder.name), signal.SIGKILL)
                id = words[words.index("-id") + 1]
                for procs in Path("/sys/fs/cgroup").glob(f"**/{id}/cgroup.procs"):
                    for pid in procs.read_text().split():
                        with suppress(ProcessLookupError):
                            os.kill(int(pid), signal.SIGKILL)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            try:
                line.connect(f"{self._folder}/socket")
                line.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in line.recv(64)
            except OSError:
                return False

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)  # does nothing to one that has ended
        self._process.wait(timeout=60)
