"""The control: reads planted files and archives as a careless program does, in a container.

Everything it may reach is a decoy beside it. Limits of its own end what would fill the machine.
"""

import contextlib
import errno
import os
import resource
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from evals.attacks.files.inside import races, tars
from evals.attacks.files.inside.harm import harm
from evals.attacks.files.inside.plants import PLANTS, Plant, folder_of

MARKER = b"DECOY-IN-A-CONTAINER"
_PATIENCE_S = 1
_MOST_BYTES = 48 << 20  # of a file that is written: the battery's own brake
Reading = Callable[[Path, Path, Plant], str]
Said = Iterator[tuple[str, str]]


class _Waited(Exception):
    pass


def read_all(root: Path) -> Said:
    """Each probe's name, and the harm that came of it; "" for none."""
    # Well below the container's own limit, which would end all of the control.
    resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, _alarm)
    os.environ["TOKEN"] = MARKER.decode()
    decoy = root / "decoy"
    for plant in PLANTS:
        for way, read in (("outputs", _copied), ("host", _opened)):
            yield f"{way}: {plant.name}", _planted(root, decoy, plant, read)
    for name in tars.TARS:
        yield f"archive: {name}", _unpacked(root, decoy, name)
    for kind in races.KINDS:
        yield f"race: {kind}", _raced(root, kind)


def _planted(root: Path, decoy: Path, plant: Plant, read: Reading) -> str:
    _decoy(decoy)
    at, out = root / "planted" / folder_of(plant.name), root / "out"
    at.mkdir(parents=True)
    try:
        plant.make(at, decoy)
        return _harm(root, decoy, out, lambda: read(at, out, plant))
    finally:
        os.chdir("/")
        _gone(root / "planted")


def _copied(at: Path, out: Path, plant: Plant) -> str:
    shutil.copytree(at, out)
    return ""


def _opened(at: Path, out: Path, plant: Plant) -> str:
    for path in sorted(at.rglob("*")):
        if harmful := harm_of_name(path.name):
            return harmful
    for name in plant.reads:
        content = (at / name).read_bytes()
        if MARKER in content or b"root:" in content:
            return "a file outside was read"
    return ""


def harm_of_name(name: str) -> str:
    """Whether a name that is listed would reach a terminal as it is."""
    return "" if name.isprintable() else f"the name {name!r} is listed as it is"


def _unpacked(root: Path, decoy: Path, name: str) -> str:
    _decoy(decoy)
    out = root / "out"
    data = tars.archive(name, decoy)

    def extract() -> str:
        out.mkdir()
        with tars.opened(data) as tar:
            tar.extraction_filter = lambda member, path: member  # whatever this Python's own is
            tar.extractall(out)
        return ""

    return _harm(root, decoy, out, extract)


def _harm(root: Path, decoy: Path, out: Path, read: Callable[[], str]) -> str:
    _gone(out)
    before = {path.name for path in root.iterdir()}
    said = _attempt(read)
    if said:
        return said
    if {path.name for path in decoy.iterdir()} != {"secret"}:
        return "a file was written outside"
    if (decoy / "secret").read_bytes() != MARKER:
        return "a file outside was overwritten"
    strangers = {path.name for path in root.iterdir()} - before - {"out"}
    for stranger in strangers:
        _gone(root / stranger)
    if strangers:
        return "a file was written outside"
    return harm(out, MARKER) if out.exists() else ""


def _attempt(read: Callable[[], str]) -> str:
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MOST_BYTES, resource.RLIM_INFINITY))
        signal.alarm(_PATIENCE_S)
        try:
            return read()
        finally:
            signal.alarm(0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    except _Waited:
        return "the reader waits for ever, or for very long"
    except (MemoryError, OverflowError):
        return "the reader's memory ran out"
    except RecursionError:
        return "the reader fell over"
    except OSError as error:
        return "it went on until the disk's limit" if error.errno == errno.EFBIG else ""
    except Exception:
        return ""  # refused, in one way or another


def _raced(root: Path, kind: str) -> str:
    """Looks first and opens then, while another swaps what lies there."""
    scene = races.Scene(root / "race")
    scene.build(MARKER.decode())
    over = threading.Event()
    sys.setswitchinterval(1e-5)
    swapper = threading.Thread(target=races.swap, args=(scene, kind, over))
    swapper.start()
    try:
        for _ in range(30_000):
            with contextlib.suppress(OSError):
                path = scene.target
                if path.is_symlink() or path.parent.is_symlink():
                    continue
                if MARKER in path.read_bytes():
                    return "the decoy was read after the look"
        return ""
    finally:
        over.set()
        swapper.join()
        _gone(scene.folder)


def _decoy(decoy: Path) -> None:
    _gone(decoy)
    decoy.mkdir()
    (decoy / "secret").write_bytes(MARKER)


def _gone(path: Path) -> None:
    # Python's own removal falls over at 3,000 folders in each other.
    os.system(f"chmod -R u+rwx '{path}' 2> /dev/null; rm -rf '{path}'")


def _alarm(number: int, frame: object) -> None:
    raise _Waited
