"""Files that a hostile program leaves in its outputs, each in a folder of its own."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Planting = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Plant:
    """One thing that is planted.

    Args:
        name: of the probe, and of its folder.
        tried: in plain words.
        make: given the folder and the decoy's folder, which holds `secret`.
        reads: paths beneath the folder that are read one by one, beside the whole.
    """

    name: str
    tried: str
    make: Planting
    reads: tuple[str, ...] = ("x",)


def _up(decoy: Path) -> str:
    return "../" * 12 + str(decoy)[1:]


def _chain(at: Path, decoy: Path) -> None:
    (at / "c").symlink_to(decoy / "secret")
    (at / "b").symlink_to("c")
    (at / "x").symlink_to("b")


def _loop(at: Path, decoy: Path) -> None:
    (at / "x").symlink_to("y")
    (at / "y").symlink_to("x")


def _hard(at: Path, decoy: Path) -> None:
    try:
        (at / "x").hardlink_to(decoy / "secret")
    except OSError:  # another file system, as in a sandbox: then one of its own
        (at / "own").write_text("own")
        (at / "x").hardlink_to(at / "own")


def _socket(at: Path, decoy: Path) -> None:
    os.chdir(at)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("x")


def _sparse(at: Path, decoy: Path) -> None:
    with (at / "x").open("wb") as file:
        file.truncate(1 << 40)


def _deep(at: Path, decoy: Path) -> None:
    os.chdir(at)
    for _ in range(3000):
        Path("d").mkdir()
        os.chdir("d")
    Path("x").write_text("deep")
    os.chdir("/")


def _moded(mode: int, folder: bool = False) -> Planting:
    def make(at: Path, decoy: Path) -> None:
        path = at / "x"
        if folder:
            path.mkdir()
            (path / "y").write_text("inside")
        else:
            path.write_text("content")
        path.chmod(mode)

    return make


def _named(name: bytes) -> Planting:
    def make(at: Path, decoy: Path) -> None:
        Path(os.fsdecode(bytes(at) + b"/" + name)).write_text("content")

    return make


def _repository(at: Path, decoy: Path) -> None:
    (at / ".git").mkdir()
    (at / ".git" / "config").write_text("[core]\n\tfsmonitor = touch /tmp/ran\n")


def _bare(at: Path, decoy: Path) -> None:
    for folder in ("objects", "refs"):
        (at / folder).mkdir()
    (at / "HEAD").write_text("ref: refs/heads/main\n")
    (at / "config").write_text("[core]\n\tbare = true\n\tfsmonitor = touch /tmp/ran\n")


def _wide(at: Path, decoy: Path) -> None:
    for index in range(MOST_PLANTED):
        (at / f"f{index}").touch()


MOST_PLANTED = 5_000

PLANTS = (
    Plant("link to a file", "a link to an absolute path as the last component",
          lambda at, decoy: (at / "x").symlink_to(decoy / "secret")),
    Plant("relative link", "a link that climbs to the root",
          lambda at, decoy: (at / "x").symlink_to(_up(decoy) + "/secret")),
    Plant("link to a folder", "a link to a folder, walked into",
          lambda at, decoy: (at / "x").symlink_to(decoy), ("x", "x/secret")),
    Plant("link in the middle", "a link to the folder above the decoy",
          lambda at, decoy: (at / "x").symlink_to(decoy.parent),
          (f"x/{'decoy'}/secret",)),
    Plant("link to the root", "a link to /", lambda at, decoy: (at / "x").symlink_to("/"),
          ("x/etc/passwd",)),
    Plant("chain of links", "three links one after the other", _chain),
    Plant("loop of links", "two links that name each other", _loop),
    Plant("dangling link", "a link to nothing", lambda at, decoy: (at / "x").symlink_to("none")),
    Plant("link to itself above", "a link to its own folder: an endless tree",
          lambda at, decoy: (at / "x").symlink_to("."), ("x", "x/x/x")),
    Plant("magic root", "/proc/self/root",
          lambda at, decoy: (at / "x").symlink_to(f"/proc/self/root{decoy}/secret")),
    Plant("magic root as a folder", "/proc/self/root as a folder",
          lambda at, decoy: (at / "x").symlink_to("/proc/self/root"), (f"x/{'etc'}/passwd",)),
    Plant("magic cwd", "/proc/self/cwd",
          lambda at, decoy: (at / "x").symlink_to("/proc/self/cwd/" + _up(decoy) + "/secret")),
    Plant("magic environment", "/proc/self/environ of the reader",
          lambda at, decoy: (at / "x").symlink_to("/proc/self/environ")),
    Plant("link to /dev/zero", "a file without an end",
          lambda at, decoy: (at / "x").symlink_to("/dev/zero")),
    Plant("link to /dev/stdin", "a read that waits for a person",
          lambda at, decoy: (at / "x").symlink_to("/dev/stdin")),
    Plant("hard link", "a second name for a file elsewhere", _hard),
    Plant("pipe", "a FIFO that nobody writes to", lambda at, decoy: os.mkfifo(at / "x")),
    Plant("socket", "a listening socket", _socket),
    Plant("sparse file", "a file of 1 TiB that takes no room", _sparse),
    Plant("deep path", "3,000 folders in each other", _deep),
    Plant("many files", f"{MOST_PLANTED:,} files", _wide),
    Plant("setuid", "a program that runs as its owner", _moded(0o4755)),
    Plant("setgid and sticky", "mode 3755", _moded(0o3755)),
    Plant("unreadable file", "mode 000", _moded(0)),
    Plant("unreadable folder", "a folder of mode 000", _moded(0, folder=True), ("x/y",)),
    Plant("setgid folder", "a folder of mode 2777", _moded(0o2777, folder=True), ("x/y",)),
    Plant("newline", "a name with a newline", _named(b"a\nb"), ("a\nb",)),
    Plant("carriage return", "a name that overwrites its own line", _named(b"a\rb"), ("a\rb",)),
    Plant("escape sequence", "a name that clears the screen", _named(b"\x1b[2Ja"), ("\x1b[2Ja",)),
    Plant("clipboard", "a name with an OSC 52 sequence", _named(b"\x1b]52;c;aGk=\x07"), ()),
    Plant("eight-bit escape", "a name with U+009B", _named("\x9b2Ja".encode()), ("\x9b2Ja",)),
    Plant("invalid UTF-8", "a name that is not UTF-8", _named(b"a\xff"), ("a\udcff",)),
    Plant("right to left", "a name with U+202E", _named("gpj.\u202eexe".encode()), ()),
    Plant("repository", "a .git folder whose configuration runs a program", _repository),
    Plant("bare repository", "HEAD, objects, refs and a configuration", _bare),
)  # fmt: skip


def plant(root: Path, decoy: Path) -> None:
    """Plants everything beneath a folder, each in its own."""
    os.umask(0o022)
    for one in PLANTS:
        at = root / folder_of(one.name)
        at.mkdir(parents=True)
        one.make(at, decoy)


def folder_of(name: str) -> str:
    """The folder's name of a probe."""
    return "".join(c if c.isalnum() else "-" for c in name)
