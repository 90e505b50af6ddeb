"""What every adapter of the Repositories port must do."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from labcrew.domain.repository import Repositories
from labcrew.errors import BoundaryError, LabcrewError, NotFound, RepositoryError
from tests.sandboxes.fixtures import UserFolder, make_user


def names(archive: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name for member in tar if not member.isdir()}


def work_in_a_clone(
    repositories: Repositories, commit: str, folder: Path, **files: str
) -> tuple[bytes, str]:
    """A clone as a sandbox makes it, with one commit more; its bundle and the commit."""
    (folder.parent / "start.bundle").write_bytes(repositories.bundle("lab", commit))
    folder.mkdir()
    clone = UserFolder(folder)
    clone.git("init", "-q", "-b", "main")
    clone.git("fetch", "-q", str(folder.parent / "start.bundle"), "refs/*:refs/*")
    clone.git("checkout", "-q", "-B", "main", commit)
    for name, content in files.items():
        clone.write(name.replace("__", "/"), content)
    clone.git("add", "-A")
    clone.git("commit", "-q", "--allow-empty", "-m", "better")
    clone.git("bundle", "create", "-q", "work.bundle", "main", f"^{commit}")
    return (folder / "work.bundle").read_bytes(), clone.head()


@pytest.fixture
def taken(repositories: Repositories, user: UserFolder) -> str:
    return repositories.take("lab", user.path, user.head(), snapshot=False)


class TestInspect:
    def test_a_clean_repository(self, repositories: Repositories, user: UserFolder) -> None:
        found = repositories.inspect(str(user.path), "HEAD")
        assert found.commit == user.head()
        assert (found.branch, found.dirty, found.shallow) == ("main", False, False)
        assert found.warnings == ()

    def test_dirty_and_detached_are_warned_of(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        user.git("checkout", "-q", "--detach")
        user.write("train.py", "changed\n")
        user.write("new.py", "new\n")
        user.write("ignored.log", "noise\n")
        found = repositories.inspect(str(user.path), "main")
        assert found.branch is None
        assert found.dirty
        assert "1 changed and 1 new" in found.warnings[0]
        assert "detached" in found.warnings[1]

    def test_a_bare_repository_works(
        self, repositories: Repositories, user: UserFolder, tmp_path: Path
    ) -> None:
        user.git("clone", "-q", "--bare", str(user.path), str(tmp_path / "bare.git"))
        found = repositories.inspect(str(tmp_path / "bare.git"), "main")
        assert (found.commit, found.branch, found.dirty) == (user.head(), "main", False)
        repositories.take("bare", tmp_path / "bare.git", "main", snapshot=False)
        with pytest.raises(RepositoryError, match="no working tree"):
            repositories.take("bare", tmp_path / "bare.git", "main", snapshot=True)

    @pytest.mark.parametrize("commit", ["nothing", "0" * 40, "", "-x", "--all", "a\0b", "HEAD^5"])
    def test_an_unknown_commit(
        self, repositories: Repositories, user: UserFolder, commit: str
    ) -> None:
        with pytest.raises(RepositoryError):
            repositories.inspect(str(user.path), commit)

    def test_no_repository(self, repositories: Repositories, tmp_path: Path) -> None:
        with pytest.raises(RepositoryError, match="does not exist"):
            repositories.inspect(str(tmp_path / "missing"), "HEAD")
        (tmp_path / "plain").mkdir()
        with pytest.raises(RepositoryError, match="not a git repository"):
            repositories.inspect(str(tmp_path / "plain"), "HEAD")
        (tmp_path / "file").touch()
        with pytest.raises(RepositoryError, match="is a file"):
            repositories.inspect(str(tmp_path / "file"), "HEAD")

    def test_no_commits(self, repositories: Repositories, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        UserFolder(tmp_path / "empty").git("init", "-q")
        with pytest.raises(RepositoryError, match="no commits yet"):
            repositories.inspect(str(tmp_path / "empty"), "HEAD")


class TestTake:
    def test_the_files_come_over_and_nothing_changes(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        before = user.bytes()
        commit = repositories.take("lab", user.path, "HEAD", snapshot=False)
        assert repositories.take("lab", user.path, "HEAD", snapshot=False) == commit == user.head()
        assert "data/train.csv" in repositories.files("lab", commit)
        assert repositories.read("lab", commit, "train.py") == b"print('trained')\n"
        assert user.bytes() == before

    def test_a_snapshot_holds_the_working_tree(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        base = user.head()
        user.write("train.py", "print('edited')\n")
        user.write("staged.py", "staged\n")
        user.git("add", "staged.py")
        user.write("new/file.py", "new\n")
        user.write("noise.log", "ignored\n")
        (user.path / "evaluate.py").unlink()
        (user.path / "link").symlink_to("train.py")
        nested = user.path / "nested"
        nested.mkdir()
        UserFolder(nested).git("init", "-q")
        before = user.bytes()
        taken = repositories.take("lab", user.path, base, snapshot=True)
        assert repositories.take("lab", user.path, base, snapshot=True) == taken != base
        assert user.bytes() == before
        assert set(repositories.files("lab", taken)) == {
            ".gitignore", "data/holdout.csv", "data/train.csv", "link", "new/file.py",
            "staged.py", "train.py",
        }  # fmt: skip
        assert repositories.read("lab", taken, "train.py") == b"print('edited')\n"

    def test_a_snapshot_of_a_clean_tree_is_the_commit(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        assert repositories.take("lab", user.path, "HEAD", snapshot=True) == user.head()

    def test_a_shallow_clone(
        self, repositories: Repositories, user: UserFolder, tmp_path: Path
    ) -> None:
        user.write("train.py", "second\n")
        user.commit()
        user.git("clone", "-q", "--depth=1", f"file://{user.path}", str(tmp_path / "shallow"))
        found = repositories.inspect(str(tmp_path / "shallow"), "HEAD")
        assert found.shallow
        assert "shallow" in found.warnings[0]
        commit = repositories.take("lab", tmp_path / "shallow", "HEAD", snapshot=False)
        assert repositories.read("lab", commit, "train.py") == b"second\n"

    def test_names_that_are_not_utf8(self, repositories: Repositories, user: UserFolder) -> None:
        Path(f"{user.path}/caf\udce9.txt").write_text("x")
        commit = user.commit()
        repositories.take("lab", user.path, commit, snapshot=False)
        assert "caf\udce9.txt" in repositories.files("lab", commit)
        assert len(names(repositories.archive("lab", commit))) == 6


class TestRead:
    def test_what_is_not_there(self, repositories: Repositories, taken: str) -> None:
        for path in ("missing", "data", "../x", "-x", ":(glob)*"):
            with pytest.raises((NotFound, BoundaryError)):
                repositories.read("lab", taken, path)
        with pytest.raises(NotFound):
            repositories.files("other", taken)
        with pytest.raises(NotFound):
            repositories.files("../x", taken)

    def test_links_and_large_files_are_refused(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        (user.path / "link").symlink_to("/etc/passwd")
        user.write("big.bin", "x" * (1 << 20) + "x")
        commit = repositories.take("lab", user.path, user.commit(), snapshot=False)
        with pytest.raises(BoundaryError):
            repositories.read("lab", commit, "link")
        with pytest.raises(BoundaryError):
            repositories.read("lab", commit, "big.bin", cap_mb=1)

    def test_an_archive_leaves_out_what_it_should(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        (user.path / "out").symlink_to("../../etc")
        (user.path / "near").symlink_to("train.py")
        user.write(".gitattributes", "data/train.csv export-ignore\n")
        commit = repositories.take("lab", user.path, user.commit(), snapshot=False)
        whole = names(repositories.archive("lab", commit))
        assert "data/train.csv" in whole
        assert "near" in whole
        assert "out" not in whole
        part = names(repositories.archive("lab", commit, ("evaluate.py", "data/hold*", "near")))
        assert part == whole - {"evaluate.py", "data/holdout.csv", "near"}
        assert not {n for n in names(repositories.archive("lab", commit, ("data",))) if "data" in n}

    def test_an_archive_holds_files_as_they_are_stored(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        stored = {"a.py": b"x = 1\n# $Id$\n", "b.py": "y = 'é'\n".encode(), "c.py": b"z = 1\n"}
        for path, content in stored.items():
            blob = user.git("hash-object", "-w", "--stdin", stdin=content)
            user.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        attributes = "a.py eol=crlf ident\nb.py working-tree-encoding=ISO-8859-1\nc.py crlf=input\n"
        blob = user.git("hash-object", "-w", "--stdin", stdin=attributes.encode())
        user.git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitattributes")
        user.git("commit", "-qm", "attributes")
        commit = repositories.take("lab", user.path, "HEAD", snapshot=False)
        with tarfile.open(fileobj=io.BytesIO(repositories.archive("lab", commit))) as tar:
            for path, content in stored.items():
                member = tar.extractfile(path)
                assert member is not None
                assert member.read() == content == repositories.read("lab", commit, path)

    def test_a_snapshot_takes_line_ends_for_what_the_users_git_does(
        self, repositories: Repositories, user: UserFolder
    ) -> None:
        user.write(".gitattributes", "*.bat eol=crlf\n*.big filter=lfs\n")
        user.write("run.bat", "a\r\nb\r\n")
        user.write("x.big", "content\n")
        commit = user.commit()
        assert repositories.take("lab", user.path, commit, snapshot=True) == commit
        user.write("run.bat", "a\r\nc\r\n")
        taken = repositories.take("lab", user.path, commit, snapshot=True)
        assert repositories.read("lab", taken, "run.bat") == b"a\nc\n"
        assert repositories.change("lab", commit, taken).files == ("run.bat",)


class TestCompare:
    def test_every_kind_of_change(self, repositories: Repositories, user: UserFolder) -> None:
        many = "".join(f"line {number}\n" for number in range(40))
        for path, text in {"same": "x\n", "goes": "1\n2\n", "moves": many, "tool": "x\n"}.items():
            user.write(path, text)
        user.write("a*b", "glob\n")
        (user.path / "picture").write_bytes(b"\0\1")
        base = repositories.take("lab", user.path, user.commit(), snapshot=False)
        (user.path / "goes").unlink()
        (user.path / "moves").rename(user.path / "folder moved")
        user.write("folder moved", many + "one more")
        user.write("comes", "new\n")
        user.write("a*b", "other\n")
        user.write("axb", "not that one\n")
        (user.path / "picture").write_bytes(b"\0\2")
        (user.path / "tool").chmod(0o755)
        head = repositories.take("lab", user.path, user.commit(), snapshot=False)
        files = {file.path: file for file in repositories.changed_files("lab", base, head)}
        told = {path: (file.state, file.insertions, file.deletions) for path, file in files.items()}
        assert told == {
            "a*b": ("changed", 1, 1),
            "axb": ("added", 1, 0),
            "comes": ("added", 1, 0),
            "folder moved": ("renamed", 1, 0),
            "goes": ("removed", 0, 2),
            "picture": ("changed", None, None),
            "tool": ("changed", 0, 0),
        }
        assert files["folder moved"].old_path == "moves"
        assert (files["tool"].old_mode, files["tool"].new_mode) == ("100644", "100755")
        patch = repositories.file_patch("lab", base, head, files["folder moved"])
        assert patch.whole
        assert patch.raw.endswith(b"+one more\n\\ No newline at end of file\n")
        # A path is a name, never a pattern.
        assert b"axb" not in repositories.file_patch("lab", base, head, files["a*b"]).raw
        assert b"Binary files" in repositories.file_patch("lab", base, head, files["picture"]).raw

    def test_a_large_difference_is_cut(self, repositories: Repositories, user: UserFolder) -> None:
        base = repositories.take("lab", user.path, user.head(), snapshot=False)
        user.write("large", "0123456789\n" * 400_000)
        head = repositories.take("lab", user.path, user.commit(), snapshot=False)
        (file,) = repositories.changed_files("lab", base, head)
        assert (file.path, file.insertions) == ("large", 400_000)
        patch = repositories.file_patch("lab", base, head, file, 1000)
        assert (len(patch.raw), patch.whole) == (1000, False)

    def test_nothing_differs(self, repositories: Repositories, taken: str) -> None:
        assert repositories.changed_files("lab", taken, taken) == ()


class TestLand:
    def test_work_lands_once(self, repositories: Repositories, taken: str, tmp_path: Path) -> None:
        bundle, made = work_in_a_clone(
            repositories, taken, tmp_path / "clone", **{"train.py": "x\ny\n"}
        )
        for _ in range(2):
            landed = repositories.land(
                "lab", bundle, base=taken, ref="refs/heads/labcrew/1", editable=("train.py",)
            )
            assert landed == made
        change = repositories.change("lab", taken, made)
        assert change.files == ("train.py",)
        assert (change.insertions, change.deletions) == (2, 1)
        assert "+x" in change.diff

    def test_a_path_that_is_not_editable(
        self, repositories: Repositories, taken: str, tmp_path: Path
    ) -> None:
        bundle, _ = work_in_a_clone(
            repositories, taken, tmp_path / "clone", **{"evaluate.py": "print('1.0')\n"}
        )
        with pytest.raises(BoundaryError, match=r"evaluate\.py is not among"):
            repositories.land("lab", bundle, base=taken, ref="refs/heads/x", editable=("train.py",))

    def test_globs_and_folders(
        self, repositories: Repositories, taken: str, tmp_path: Path
    ) -> None:
        files = {"experiments__a__b.txt": "x", "notes__one.md": "y", "train.py": "z"}
        bundle, made = work_in_a_clone(repositories, taken, tmp_path / "clone", **files)
        editable = ("experiments/**", "notes", "*.py")
        landed = repositories.land("lab", bundle, base=taken, ref="refs/heads/x", editable=editable)
        assert landed == made

    @pytest.mark.parametrize("garbage", [b"", b"x", b"# v2 git bundle\n\nPACK", b"\0" * 100])
    def test_garbage(self, repositories: Repositories, taken: str, garbage: bytes) -> None:
        with pytest.raises(BoundaryError):
            repositories.land("lab", garbage, base=taken, ref="refs/heads/x", editable=("**",))


class TestPublishAndMerge:
    @pytest.fixture
    def better(self, repositories: Repositories, taken: str, tmp_path: Path) -> str:
        bundle, _ = work_in_a_clone(repositories, taken, tmp_path / "c", **{"train.py": "better\n"})
        return repositories.land(
            "lab", bundle, base=taken, ref="refs/heads/labcrew/1", editable=("train.py",)
        )

    def test_one_branch_and_nothing_else(
        self, repositories: Repositories, user: UserFolder, better: str
    ) -> None:
        user.write("train.py", "uncommitted\n")
        hook = user.path / ".git/hooks/reference-transaction"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\ntouch hook-ran\n")
        hook.chmod(0o755)
        before = user.bytes()
        for _ in range(2):
            repositories.publish("lab", better, user.path, "labcrew/1")
        assert user.git("rev-parse", "labcrew/1") == better
        after = user.bytes()
        new = {name for name in after if name not in before}
        assert {name: after[name] for name in before} == before
        assert all(
            name.startswith((".git/objects", ".git/refs/heads/labcrew", ".git/logs/refs"))
            for name in new
        ), new

    def test_a_branch_that_exists_is_not_moved(
        self, repositories: Repositories, user: UserFolder, better: str
    ) -> None:
        user.git("branch", "labcrew/1")
        with pytest.raises(RepositoryError, match="exists already"):
            repositories.publish("lab", better, user.path, "labcrew/1")
        user.git("branch", "-m", "labcrew/1", "labcrew")
        with pytest.raises(RepositoryError, match="could not be made"):
            repositories.publish("lab", better, user.path, "labcrew/1")
        for bad in ("-x", "a..b", "a b", "", "a\n"):
            with pytest.raises(RepositoryError):
                repositories.publish("lab", better, user.path, bad)

    def test_merge_states(self, repositories: Repositories, user: UserFolder, better: str) -> None:
        base = user.head()
        repositories.publish("lab", better, user.path, "labcrew/1")
        before = user.bytes()
        outcome = repositories.merge(user.path, "main", better)
        assert outcome.state == "checked_out"
        assert f"merge --ff-only {better}" in outcome.message
        assert user.bytes() == before
        user.git("checkout", "-q", "-b", "aside")
        assert repositories.merge(user.path, "main", better).state == "merged"
        assert user.git("rev-parse", "main") == better
        assert repositories.merge(user.path, "main", better).state == "already"
        user.git("branch", "-f", "main", base)
        user.git("commit", "-q", "--allow-empty", "-m", "someone else's")
        assert repositories.merge(user.path, "aside", better).state == "moved"
        with pytest.raises(RepositoryError, match="no branch"):
            repositories.merge(user.path, "missing", better)

    def test_the_printed_command_works(
        self, repositories: Repositories, user: UserFolder, better: str
    ) -> None:
        repositories.publish("lab", better, user.path, "labcrew/1")
        message = repositories.merge(user.path, "main", better).message
        subprocess.run(message.partition("run: ")[2], shell=True, check=True, capture_output=True)
        assert user.head() == better


def test_two_repositories_do_not_mix(repositories: Repositories, tmp_path: Path) -> None:
    first, second = make_user(tmp_path / "one"), make_user(tmp_path / "two")
    second.write("only.py", "two\n")
    second.commit()
    one = repositories.take("one", first.path, "HEAD", snapshot=False)
    two = repositories.take("two", second.path, "HEAD", snapshot=False)
    assert "only.py" not in repositories.files("one", one)
    assert "only.py" in repositories.files("two", two)


class TestHistory:
    def test_first_parents_newest_first(self, repositories: Repositories, user: UserFolder) -> None:
        first = user.head()
        user.git("switch", "-q", "-c", "side")
        user.write("side.py", "x = 1\n")
        user.commit("beside")
        user.git("switch", "-q", "main")
        user.write("main.py", "x = 1\n")
        second = user.commit("more")
        user.git("merge", "-q", "--no-ff", "-m", "both", "side")
        head = user.head()
        taken = repositories.take("lab", user.path, head, snapshot=False)
        assert repositories.history("lab", taken) == (head, second, first)
        assert repositories.history("lab", taken, most=2) == (head, second)
        assert repositories.history("lab", second) == (second, first)

    def test_a_shallow_one_ends_where_it_was_cut(
        self, repositories: Repositories, user: UserFolder, tmp_path: Path
    ) -> None:
        for number in range(3):
            user.write("train.py", f"x = {number}\n")
            user.commit()
        user.git("clone", "-q", "--depth", "2", f"file://{user.path}", str(tmp_path / "cut"))
        taken = repositories.take("cut", tmp_path / "cut", "HEAD", snapshot=False)
        assert len(repositories.history("cut", taken)) == 2

    def test_an_unknown_commit(self, repositories: Repositories, taken: str) -> None:
        with pytest.raises(LabcrewError):
            repositories.history("lab", "0" * 40)
