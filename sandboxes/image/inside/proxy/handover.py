"""A listening socket made where only loopback exists, handed to a process that has a network.

The holder's container has network "none"; the sandbox joins it. The socket crosses to the proxy's
container over a unix socket in a volume that those two alone see, so that no bridge, address or
name joins the sandbox with anything.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

MEETING = Path("/workspace/handover")
_WAIT_S = 60.0
_BACKLOG = 64


def hold(port: int) -> None:
    """Listens on 127.0.0.1, hands the socket over, and becomes `sleep`, which holds nothing of it.

    Raises OSError, TimeoutError when nobody takes it.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
        with _reached() as other:
            socket.send_fds(other, [b"listener"], [listener.fileno()])
            other.recv(1)  # taken
    os.execv("/bin/sleep", ["sleep", "infinity"])


def take() -> socket.socket:
    """The listening socket that the holder hands over. Raises OSError, TimeoutError."""
    MEETING.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as meeting:
        meeting.settimeout(_WAIT_S)
        meeting.bind(str(MEETING))
        meeting.listen(1)
        other, _ = meeting.accept()
        with other:
            other.settimeout(_WAIT_S)
            _, handles, _, _ = socket.recv_fds(other, 16, 1)
            if len(handles) != 1:
                raise OSError("the holder handed over no socket")
            other.send(b"+")
    MEETING.unlink(missing_ok=True)
    return socket.socket(fileno=handles[0])


def _reached() -> socket.socket:
    end = time.monotonic() + _WAIT_S
    while True:
        other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            other.connect(str(MEETING))
        except OSError:
            other.close()
            if time.monotonic() > end:
                raise TimeoutError("no proxy came for the socket") from None
            time.sleep(0.02)
        else:
            return other
