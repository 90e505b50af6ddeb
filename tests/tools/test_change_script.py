"""The script that commits a change in a container, run here: files cross as they are stored."""

import os
import subprocess
from pathlib import Path

import pytest

from labcrew.domain.repository import Repositories
from labcrew.git_attributes import AS_STORED
from tests.sandboxes.fixtures import UserFolder, repositories, user
from tools.make_change import _COMMIT

__all__ = ["repositories", "user"]


def commit(folder: Path, bundle: bytes, base: str, files: dict[str, bytes]) -> bytes:
    """The bundle that the script leaves."""
    for path, content in {"in.bundle": bundle, **files}.items():
        place = folder / (path if path == "in.bundle" else f"change/{path}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    variables = {
        "FOLDER": str(folder),
        "BASE": base,
        "MESSAGE": "a change",
        "ATTRIBUTES": AS_STORED,
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "PATH": os.environ["PATH"],
    }
    subprocess.run(["sh", "-c", _COMMIT], env=variables, check=True, cwd=folder)
    return (folder / "out.bundle").read_bytes()


@pytest.mark.parametrize(
    "attributes",
    ["*.py text", "* text=auto", "* text=auto eol=crlf", "*.csv working-tree-encoding=UTF-16 text",
     "*.py ident", "*.bin filter=lfs"],
)  # fmt: skip
def test_attributes_of_the_repository_change_no_file(
    repositories: Repositories, user: UserFolder, tmp_path: Path, attributes: str
) -> None:
    stored = {
        "train.py": b"# $Id$\r\nlr = 0.1\r\n",
        "util.py": b"# $Id: abc $\r\n",
        "data/mixed.csv": b"a\r\n1\n",
        "a.bin": b"\x00\r\n",
    }
    for path, content in stored.items():
        (user.path / path).write_bytes(content)
    user.commit()
    user.write(".gitattributes", attributes + "\n")
    user.git("add", ".gitattributes")  # nothing else is stored anew
    user.git("commit", "-qm", "attributes")
    base = repositories.take("lab", user.path, "HEAD", snapshot=False)
    change = {
        "train.py": stored["train.py"].replace(b"0.1", b"0.2"),
        "experiments/new.csv": b"a\r\n1\r\n",
    }
    made = commit(tmp_path / "box", repositories.bundle("lab", base), base, change)
    editable = ("train.py", "experiments/**")
    landed = repositories.land("lab", made, base=base, ref="refs/labcrew/x", editable=editable)
    assert repositories.change("lab", base, landed).files == ("experiments/new.csv", "train.py")
    for path, content in (stored | change).items():
        assert repositories.read("lab", landed, path) == content
