"""The way to an engine that is not there: a clear error, and nothing left open."""

import gc
import socket
import warnings
from pathlib import Path

import pytest

from labcrew.errors import EngineUnavailable
from sandboxes.client import connect


def open_sockets() -> int:
    """How many sockets this process has."""
    there = 0
    for open_ in Path("/proc/self/fd").iterdir():
        try:
            there += str(open_.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return there


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name is short enough for a socket's address."""
    return tmp_path_factory.mktemp("s")


@pytest.mark.parametrize("kind", ["missing", "a file", "nobody listens"])
def test_no_engine_leaves_no_socket_open(
    short: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = short / "d.sock"
    if kind == "a file":
        path.write_text("")
    elif kind == "nobody listens":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    gc.collect()
    before = open_sockets()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(EngineUnavailable, match="No Docker engine answers") as refused:
            connect(timeout_s=5)
        assert open_sockets() == before
        assert str(path) in refused.value.message
        del refused
        gc.collect()


def test_what_is_no_engine_is_let_go_of(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = short / "d.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(8)
        listening.settimeout(0.1)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(EngineUnavailable, match="No Docker engine answers"):
            connect(timeout_s=1)
    gc.collect()
