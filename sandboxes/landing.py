"""What a sandbox made comes to the trusted side: a bundle, checked apart from everything else.

The bundle's header is read here, not by git, so no name in it ever becomes a ref or an argument.
Its pack is indexed in a repository of its own (`index-pack --strict` checks each object), every
new commit is held against the base, and only then do the objects and one ref come over.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from labcrew.errors import BoundaryError
from sandboxes.git_runner import GitFailed, GitRunner
from sandboxes.patterns import matches

MAX_BUNDLE_BYTES = 64 << 20
MAX_CHANGED = 10_000
MAX_COMMITS = 200
MAX_NEW_BYTES = 512 << 20
_TIMEOUT_S = 120.0
_HEAD = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64})(?: (.*))?")


@dataclass(frozen=True)
class Landing:
    """Lands bundles in one trusted repository.

    Args:
        git: what runs git.
        bare: the trusted repository.
        scratch: a folder on the same disk for the quarantine.
    """

    git: GitRunner
    bare: Path
    scratch: Path

    def land(self, bundle: bytes, *, base: str, ref: str, editable: tuple[str, ...]) -> str:
        """Checks a bundle and lands its commit at `ref`; answers the commit.

        Raises BoundaryError with what may not cross.
        """
        self._check_ref(ref)
        if len(bundle) > MAX_BUNDLE_BYTES:
            raise BoundaryError(
                f"The change is {len(bundle) >> 20} MiB; {MAX_BUNDLE_BYTES >> 20} MiB may cross"
            )
        tip, pack = _parse(bundle)
        old = self._at(ref)
        if old == tip:
            return tip
        quarantine = Path(tempfile.mkdtemp(dir=self.scratch, prefix=".landing-"))
        try:
            self._index(quarantine, pack, base)
            self._check(quarantine, base, tip, editable)
            self.git.run(quarantine, "update-ref", "refs/labcrew/incoming", tip)
            self.git.run(
                self.bare, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                str(quarantine), "refs/labcrew/incoming",
            )  # fmt: skip
        except GitFailed as error:
            raise BoundaryError(
                f"What the sandbox made can't be landed: {error.text[-500:]}"
            ) from error
        finally:
            shutil.rmtree(quarantine, ignore_errors=True)
        try:
            self.git.run(self.bare, "update-ref", ref, tip, old or "0" * len(tip))
        except GitFailed as error:
            raise BoundaryError(f"{ref} was moved by another at the same time") from error
        return tip

    def _index(self, quarantine: Path, pack: bytes, base: str) -> None:
        self.git.run(
            quarantine, "init", "-q", "--bare", "--template=",
            f"--object-format={'sha256' if len(base) == 64 else 'sha1'}", str(quarantine),
        )  # fmt: skip
        (quarantine / "objects" / "info").mkdir(exist_ok=True)
        (quarantine / "objects" / "info" / "alternates").write_text(f"{self.bare / 'objects'}\n")
        shallow = self.bare / "shallow"
        if shallow.exists():
            shutil.copyfile(shallow, quarantine / "shallow")
        if pack[8:12] == b"\0\0\0\0":
            return  # an empty pack: the commit is one the trusted side has
        self.git.run(
            quarantine, "index-pack", "--stdin", "--fix-thin", "--strict",
            f"--max-input-size={MAX_BUNDLE_BYTES}", stdin=pack, timeout_s=_TIMEOUT_S,
            settings=("core.bigFileThreshold=16m", "pack.threads=1"),
        )  # fmt: skip

    def _check(self, quarantine: Path, base: str, tip: str, editable: tuple[str, ...]) -> None:
        kind = self.git.line(quarantine, "cat-file", "-t", tip)
        if kind != "commit":
            raise BoundaryError(f"The bundle's head is a {kind}, not a commit")
        if not self.git.succeeds(quarantine, "merge-base", "--is-ancestor", base, tip):
            raise BoundaryError(f"Commit {tip[:12]} does not descend from the base {base[:12]}")
        # Walks every new object, and so fails where one is missing.
        walk = ("rev-list", "--objects", "--use-bitmap-index", tip, f"^{base}")
        names = [
            line.split(b" ")[0]
            for line in self.git.run(quarantine, *walk, timeout_s=_TIMEOUT_S).splitlines()
        ]
        sizes = self.git.run(
            quarantine, "cat-file", "--batch-check=%(objectsize)", stdin=b"\n".join(names) + b"\n"
        )
        if sum(int(size) for size in sizes.split()) > MAX_NEW_BYTES:
            raise BoundaryError(f"The change unpacks to more than {MAX_NEW_BYTES >> 20} MiB")
        commits = self.git.run(quarantine, "rev-list", tip, f"^{base}").decode().split()
        if len(commits) > MAX_COMMITS:
            raise BoundaryError(f"The change is {len(commits)} commits; {MAX_COMMITS} may cross")
        checked: set[bytes] = set()
        for commit in commits:
            raw = self.git.run(
                quarantine, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev",
                base, commit,
            )  # fmt: skip
            self._check_changes(quarantine, raw, editable, checked)

    def _check_changes(
        self, quarantine: Path, raw: bytes, editable: tuple[str, ...], checked: set[bytes]
    ) -> None:
        fields = raw.split(b"\0")
        if len(fields) // 2 > MAX_CHANGED:
            raise BoundaryError(f"The change touches more than {MAX_CHANGED} files")
        for meta, name in zip(fields[::2], fields[1::2], strict=False):
            if meta + name in checked:
                continue
            checked.add(meta + name)
            old_mode, new_mode, _, new, status = meta.decode().lstrip(":").split()
            path = _plain(name)
            if "160000" in (old_mode, new_mode):
                raise BoundaryError(f"{path} adds or changes a submodule link")
            if status[0] not in "AMDT" or new_mode not in {"000000", "100644", "100755", "120000"}:
                raise BoundaryError(f"{path} has mode {new_mode}, which may not cross")
            if any(part.lower().startswith(".git") for part in PurePosixPath(path).parts):
                raise BoundaryError(f"{path}: files of git's own (.git*) may not be changed")
            if not matches(path, editable):
                raise BoundaryError(
                    f"{path} is not among the editable paths ({', '.join(editable) or 'none'})"
                )
            if new_mode == "120000":
                target = self.git.run(quarantine, "cat-file", "blob", new, limit_bytes=4096)
                if escapes(path, target.decode("utf-8", "replace")):
                    raise BoundaryError(f"{path} is a link that leads out of the repository")

    def _at(self, ref: str) -> str | None:
        try:
            return self.git.line(self.bare, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}")
        except GitFailed:
            return None

    def _check_ref(self, ref: str) -> None:
        try:
            self.git.run(self.bare, "check-ref-format", ref)
        except GitFailed:
            raise BoundaryError(f"{ref!r} is not the name of a ref") from None
        if not ref.startswith("refs/"):
            raise BoundaryError(f"{ref!r} must begin with refs/")


def escapes(path: str, target: str) -> bool:
    """Whether a symbolic link at `path` leads out of the repository or into its .git."""
    if not target or target.startswith("/") or "\0" in target or "\\" in target:
        return True
    above = len(PurePosixPath(path).parent.parts)
    going_down = False
    for part in target.split("/"):
        if part in {"", "."}:
            continue
        if part == "..":
            # Once down, a name may be another link, and ".." from there leads anywhere.
            if going_down or above == 0:
                return True
            above -= 1
        elif part.lower().startswith(".git"):
            return True
        else:
            going_down = True
    return False


def _parse(bundle: bytes) -> tuple[str, bytes]:
    """The one commit that a bundle offers, and its pack."""
    header, separator, pack = bundle.partition(b"\n\n")
    lines = header.split(b"\n")
    if not separator or not pack.startswith(b"PACK") or len(lines) > 1000:
        raise BoundaryError("What the sandbox made is not a git bundle")
    if lines[0] not in {b"# v2 git bundle", b"# v3 git bundle"}:
        raise BoundaryError("What the sandbox made is not a git bundle of version 2 or 3")
    tips: set[str] = set()
    for line in lines[1:]:
        if line.startswith(b"@"):
            if not line.startswith(b"@object-format="):
                raise BoundaryError("The bundle needs a feature that may not cross")
            continue
        if line.startswith(b"-"):
            continue  # what it builds on: the check of its objects finds what is missing
        match = _HEAD.fullmatch(line)
        if match is None:
            raise BoundaryError("The bundle's list of heads can't be read")
        tips.add(match[1].decode())
    if len(tips) != 1:
        raise BoundaryError(f"The bundle must offer one commit, it offers {len(tips)}")
    return tips.pop(), pack


def _plain(name: bytes) -> str:
    try:
        path = name.decode("utf-8")
    except UnicodeDecodeError:
        raise BoundaryError(f"A changed path is not UTF-8: {name!r}") from None
    if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in path):
        raise BoundaryError(f"A changed path holds control characters: {path!r}")
    return path
