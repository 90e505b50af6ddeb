"""What a sandbox made comes to the trusted side: a bundle, checked apart from everything else.

The bundle's header is read here, not by git, so no name in it ever becomes a ref or an argument.
Its pack is measured (packs.py), then indexed in a repository of its own (`index-pack --strict`
checks each object); every new commit is read (commits.py) and held against the base (changes.py),
and only then do the objects and one ref come over.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from labcrew.errors import BoundaryError
from sandboxes.git.changes import Changes, Listing, escapes
from sandboxes.git.commits import check_commit
from sandboxes.git.git_runner import GitFailed, GitRunner
from sandboxes.git.packs import measured

MAX_BUNDLE_BYTES = 64 << 20
MAX_COMMITS = 200
MAX_NEW_BYTES = 512 << 20
MAX_LISTING_BYTES = 8 << 20  # of `ls-tree`, beyond what the base has
_ENTRY_BYTES = 80  # beside the path, with ids of either length
_TIMEOUT_S = 120.0
_FORMATS = {b"@object-format=sha1": 40, b"@object-format=sha256": 64}
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
        tip, pack = parse(bundle)
        if len(tip) != len(base):
            raise BoundaryError("The bundle's commit has an id of another kind than the base")
        old = self.git.commit_at(self.bare, ref)
        if old == tip:
            return tip
        quarantine = Path(tempfile.mkdtemp(dir=self.scratch, prefix=".landing-"))
        try:
            self._index(quarantine, pack, base)
            self._check(quarantine, base, tip, editable)
            self.git.run(quarantine, "update-ref", "refs/labcrew/incoming", tip)
            self.git.run(
                self.bare, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                "--upload-pack=git-upload-pack", str(quarantine), "refs/labcrew/incoming",
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
        id_bytes = len(base) // 2
        if measured(pack, id_bytes=id_bytes, cap_bytes=MAX_NEW_BYTES).objects == 0:
            return  # an empty pack: the commit is one the trusted side has
        self.git.run(
            quarantine, "index-pack", "--stdin", "--fix-thin", "--strict=badFilemode=error",
            f"--max-input-size={MAX_BUNDLE_BYTES}", stdin=pack, timeout_s=_TIMEOUT_S,
            settings=("core.bigFileThreshold=16m", "pack.threads=1"),
        )  # fmt: skip

    def _check(self, quarantine: Path, base: str, tip: str, editable: tuple[str, ...]) -> None:
        kind = self._run(quarantine, "cat-file", "-t", tip).decode().strip()
        if kind != "commit":
            raise BoundaryError(f"The bundle's head is a {kind}, not a commit")
        if not self.git.succeeds(quarantine, "merge-base", "--is-ancestor", base, tip):
            raise BoundaryError(f"Commit {tip[:12]} does not descend from the base {base[:12]}")
        most = f"--max-count={MAX_COMMITS + 1}"
        commits = self._run(quarantine, "rev-list", most, tip, f"^{base}").decode().split()
        if len(commits) > MAX_COMMITS:
            raise BoundaryError(f"The change is more than {MAX_COMMITS} commits, which may cross")
        for commit in commits:
            check_commit(commit, self._run(quarantine, "cat-file", "commit", commit))
        # Walks every new object once, and so fails where one is missing.
        self._run(quarantine, "rev-list", "--objects", "--quiet", tip, f"^{base}")
        before = self._files(quarantine, base, None)
        room = sum(len(path) + _ENTRY_BYTES for path in before) + MAX_LISTING_BYTES
        changes = Changes(before, editable)
        for commit in commits:
            for path, blob in changes.links(self._files(quarantine, commit, room)):
                target = self._run(quarantine, "cat-file", "blob", blob, limit_bytes=4096)
                if len(target) == 4096 or escapes(path, target.decode("utf-8", "replace")):
                    raise BoundaryError(f"{path} is a link that leads out of the repository")

    def _files(self, quarantine: Path, commit: str, limit: int | None) -> Listing:
        """Every path of a commit. Raises BoundaryError where one tree stands in for millions."""
        listing = self._run(quarantine, "ls-tree", "-r", "-z", commit, limit_bytes=limit)
        if limit is not None and len(listing) >= limit:
            raise BoundaryError(f"Commit {commit[:12]} holds far more files than its base")
        found: Listing = {}
        for line in listing.split(b"\0"):
            if line:
                meta, _, path = line.partition(b"\t")
                mode, _, blob = meta.decode("ascii").split(" ")
                found[path] = (mode, blob)
        return found

    def _run(self, folder: Path, *arguments: str, limit_bytes: int | None = None) -> bytes:
        return self.git.run(folder, *arguments, limit_bytes=limit_bytes, timeout_s=_TIMEOUT_S)

    def _check_ref(self, ref: str) -> None:
        try:
            self.git.run(self.bare, "check-ref-format", ref)
        except GitFailed:
            raise BoundaryError(f"{ref!r} is not the name of a ref") from None
        if not ref.startswith("refs/"):
            raise BoundaryError(f"{ref!r} must begin with refs/")


def parse(bundle: bytes) -> tuple[str, bytes]:
    """The one commit that a bundle offers, and its pack. Raises BoundaryError for anything else."""
    header, separator, pack = bundle.partition(b"\n\n")
    lines = header.split(b"\n")
    if not separator or not pack.startswith(b"PACK") or len(lines) > 1000:
        raise BoundaryError("What the sandbox made is not a git bundle")
    if lines[0] not in {b"# v2 git bundle", b"# v3 git bundle"}:
        raise BoundaryError("What the sandbox made is not a git bundle of version 2 or 3")
    tips: set[str] = set()
    digits: int | None = None
    for line in lines[1:]:
        if line.startswith(b"@"):
            if line not in _FORMATS:
                raise BoundaryError("The bundle needs a feature that may not cross")
            digits = _FORMATS[line]
            continue
        if line.startswith(b"-"):
            continue  # what it builds on: the check of its objects finds what is missing
        match = _HEAD.fullmatch(line)
        if match is None:
            raise BoundaryError("The bundle's list of heads can't be read")
        tips.add(match[1].decode())
    if len(tips) != 1:
        raise BoundaryError(f"The bundle must offer one commit, it offers {len(tips)}")
    tip = tips.pop()
    if digits is not None and len(tip) != digits:
        raise BoundaryError("The bundle's commit has an id of another kind than it says")
    return tip, pack
