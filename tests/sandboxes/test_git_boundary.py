"""What a hostile sandbox may put into its clone and its bundle: nothing of it runs or lands."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labcrew.domain.repository import Repositories
from labcrew.errors import BoundaryError
from sandboxes.git.changes import escapes
from tests.sandboxes.fixtures import UserFolder

Clone = tuple[UserFolder, str]


@pytest.fixture
def clone(repositories: Repositories, user: UserFolder, tmp_path: Path) -> Clone:
    base = repositories.take("lab", user.path, user.head(), snapshot=False)
    (tmp_path / "start.bundle").write_bytes(repositories.bundle("lab", base))
    folder = tmp_path / "clone"
    folder.mkdir()
    clone = UserFolder(folder)
    clone.git("init", "-q", "-b", "main")
    clone.git("fetch", "-q", str(tmp_path / "start.bundle"), "refs/*:refs/*")
    clone.git("checkout", "-q", "-B", "main", base)
    return clone, base


def bundle(clone: Clone, tip: str = "main", *more: str) -> bytes:
    folder, base = clone
    folder.git("bundle", "create", "-q", "work.bundle", tip, *more, f"^{base}")
    return (folder.path / "work.bundle").read_bytes()


def refused(repositories: Repositories, clone: Clone, match: str, tip: str = "main") -> None:
    with pytest.raises(BoundaryError, match=match or None):
        repositories.land(
            "lab", bundle(clone, tip), base=clone[1], ref="refs/heads/x", editable=("**",)
        )


def commit_entry(clone: Clone, mode: str, path: str, content: bytes, kind: str = "blob") -> str:
    """A commit with one raw tree entry, however odd; answers its id."""
    folder, base = clone
    blob = base if kind == "commit" else folder.git(
        "hash-object", "-w", "--stdin", stdin=content
    )  # fmt: skip
    tree = folder.git("ls-tree", base)
    raw = f"{tree}\n{mode} {kind} {blob}\t{path}\n"
    made = folder.git("mktree", "--missing", stdin=raw.encode("utf-8", "surrogateescape"))
    new = folder.git("commit-tree", made, "-p", base, "-m", "odd")
    folder.git("update-ref", "refs/heads/odd", new)
    return new


def test_nothing_planted_in_the_clone_runs(
    repositories: Repositories, clone: Clone, tmp_path: Path
) -> None:
    folder, base = clone
    witness = tmp_path / "ran"
    script = f"#!/bin/sh\ntouch {witness}\n"
    for name in ("post-checkout", "pre-receive", "update", "post-update", "reference-transaction"):
        hook = folder.path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
    folder.write("train.py", "better\n")
    made = folder.commit()
    data = bundle(clone)
    for hook in (folder.path / ".git/hooks").iterdir():
        hook.chmod(0o755)
    for key in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook", "diff.external"):
        folder.git("config", key, f"touch {witness}")
    landed = repositories.land("lab", data, base=base, ref="refs/heads/x", editable=("train.py",))
    assert landed == made
    repositories.change("lab", base, landed)
    repositories.archive("lab", landed)
    assert not witness.exists()


def test_hooks_and_monitor_of_the_user_do_not_run(
    repositories: Repositories, user: UserFolder, tmp_path: Path
) -> None:
    witness = tmp_path / "ran"
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {witness}\n")
    monitor.chmod(0o755)
    user.git("config", "core.fsmonitor", str(monitor))
    user.git("config", "core.hooksPath", str(tmp_path))
    for name in ("reference-transaction", "post-index-change", "pre-auto-gc"):
        (tmp_path / name).write_bytes(monitor.read_bytes())
        (tmp_path / name).chmod(0o755)
    user.write("new.py", "x\n")
    repositories.inspect(str(user.path), "HEAD")
    repositories.take("lab", user.path, "HEAD", snapshot=True)
    assert not witness.exists()


def test_the_environment_of_git_does_not_reach_it(
    repositories: Repositories, user: UserFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    head = user.head()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", f"touch {tmp_path}/ran")
    user.write("new.py", "x\n")
    repositories.inspect(str(user.path), "HEAD")
    assert repositories.take("lab", user.path, head, snapshot=True) != head
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("mode", "path", "content", "kind", "match"),
    [
        ("160000", "sub", b"", "commit", "submodule"),
        ("120000", "link", b"/etc/passwd", "blob", "leads out"),
        ("120000", "link", b"../outside", "blob", "leads out"),
        ("120000", "link", b".git/config", "blob", "leads out"),
        ("120000", "link", b"data/../../x", "blob", "leads out"),
        ("100644", ".gitattributes", b"* filter=x", "blob", "git"),
        ("100644", ".gitmodules", b"[submodule]", "blob", "git"),
        ("100644", ".GIT", b"x", "blob", "git"),
        ("100644", ".git", b"x", "blob", "git"),
        ("100644", "git~1", b"x", "blob", ""),
        ("100644", ".g\u200cit", b"x", "blob", ""),
        ("100644", "new\nline", b"x", "blob", "control"),
        ("100644", "\udcff", b"x", "blob", "UTF-8"),
        ("100644", "..", b"x", "blob", ""),
    ],
)
def test_odd_entries_are_refused(
    repositories: Repositories, clone: Clone, mode: str, path: str, content: bytes, kind: str,
    match: str,
) -> None:  # fmt: skip
    if "\n" in path:
        folder, _ = clone
        folder.write(path, "x")
        folder.git("add", "-A")
        folder.git("commit", "-qm", "odd")
        folder.git("update-ref", "refs/heads/odd", "HEAD")
    else:
        commit_entry(clone, mode, path, content, kind)
    refused(repositories, clone, match, "odd")


def test_an_odd_entry_in_the_middle_of_the_history(
    repositories: Repositories, clone: Clone
) -> None:
    folder, base = clone
    odd = commit_entry(clone, "120000", "link", b"/etc/passwd")
    tree = folder.git("rev-parse", f"{base}^{{tree}}")
    tip = folder.git("commit-tree", tree, "-p", odd, "-m", "as if nothing was")
    folder.git("update-ref", "refs/heads/tip", tip)
    refused(repositories, clone, "leads out", "tip")


def test_history_that_does_not_build_on_the_base(repositories: Repositories, clone: Clone) -> None:
    folder, base = clone
    tree = folder.git("rev-parse", f"{base}^{{tree}}")
    other = folder.git("commit-tree", tree, "-m", "rewritten")
    folder.git("update-ref", "refs/heads/other", other)
    folder.git("bundle", "create", "-q", "work.bundle", "other")
    data = (folder.path / "work.bundle").read_bytes()
    with pytest.raises(BoundaryError, match="descend"):
        repositories.land("lab", data, base=base, ref="refs/heads/x", editable=("**",))


def test_damaged_packs(repositories: Repositories, clone: Clone) -> None:
    folder, base = clone
    folder.write("train.py", "better\n")
    folder.commit()
    data = bundle(clone)
    start = data.index(b"PACK")
    for damaged in (
        data[:-30],
        data[: start + 20] + bytes([data[start + 20] ^ 0xFF]) + data[start + 21 :],
        data[:start] + b"PACK\0\0\0\2\0\0\0\0" + data[start + 12 :],
        data.replace(b"refs/heads/main", b"-upload-pack=x;"),
    ):
        try:
            repositories.land("lab", damaged, base=base, ref="refs/heads/x", editable=("**",))
        except BoundaryError:
            continue
        assert damaged.startswith(data[:20])  # only the ref's name differs, and it is not used


def test_a_bundle_that_leaves_out_objects(repositories: Repositories, clone: Clone) -> None:
    folder, base = clone
    folder.write("train.py", "secret\n")
    first = folder.commit()
    folder.write("train.py", "second\n")
    folder.commit()
    folder.git("bundle", "create", "-q", "work.bundle", "main", f"^{first}")
    data = (folder.path / "work.bundle").read_bytes()
    with pytest.raises(BoundaryError):
        repositories.land("lab", data, base=base, ref="refs/heads/x", editable=("**",))


def test_two_heads_and_odd_refs(repositories: Repositories, clone: Clone) -> None:
    folder, base = clone
    folder.write("train.py", "better\n")
    folder.commit()
    folder.git("branch", "second", base)
    folder.git("checkout", "-q", "second")
    folder.write("train.py", "other\n")
    folder.commit()
    with pytest.raises(BoundaryError, match="one commit"):
        repositories.land(
            "lab", bundle(clone, "main", "second"), base=base, ref="refs/heads/x", editable=("**",)
        )
    for ref in ("HEAD", "refs/heads/..", "-x", "refs/heads/a b", ""):
        with pytest.raises(BoundaryError):
            repositories.land("lab", bundle(clone), base=base, ref=ref, editable=("**",))


def test_no_quarantine_is_left(repositories: Repositories, clone: Clone, tmp_path: Path) -> None:
    commit_entry(clone, "160000", "sub", b"", "commit")
    refused(repositories, clone, "", "odd")
    left = [p.name for p in (tmp_path / "home/repositories").iterdir() if p.name.startswith(".")]
    assert left == []


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("a", "b", False),
        ("d/a", "../b", False),
        ("d/a", "../../b", True),
        ("d/e/a", "p/../../..", True),
        ("a", "", True),
        ("a", "x/.git/config", True),
        ("a", "./x", False),
    ],
)
def test_escaping_links(path: str, target: str, out: bool) -> None:
    assert escapes(path, target) is out


def test_a_naive_git_is_bitten(clone: Clone, tmp_path: Path) -> None:
    """The control: what the boundary holds off does run where git is used plainly."""
    folder, _ = clone
    run: Callable[..., object] = subprocess.run
    folder.git("config", "core.fsmonitor", f"touch {tmp_path}/ran; false")
    run(["git", "-C", str(folder.path), "status"], capture_output=True, env=dict(os.environ))
    assert (tmp_path / "ran").exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_patched_bundle_lands_whole_or_is_refused(
    repositories: Repositories, clone: Clone, data: st.DataObject
) -> None:
    folder, base = clone
    if folder.head() == base:
        folder.write("train.py", "better\n")
        folder.commit()
    good = bundle(clone)
    at = data.draw(st.integers(0, len(good)))
    patch = data.draw(st.binary(max_size=8))
    patched = good[:at] + patch + good[at + len(patch) :]
    before = folder.head()
    try:
        landed = repositories.land(
            "lab", patched, base=base, ref="refs/heads/x", editable=("train.py",)
        )
    except BoundaryError:
        return
    assert landed == before, "what was changed on the way is not taken for what was made"
