"""Where files that match a pattern lay in older commits, under whatever names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from labcrew.errors import BoundaryError
from labcrew.patterns import matches
from sandboxes.git.git_runner import GitRunner

_LONGEST_S = 120.0
_LIST_BYTES = 128 << 20
_FLAGS = ("-r", "-z", "--raw", "--no-abbrev", "--no-ext-diff", "--find-renames", "-l400")


@dataclass(frozen=True)
class Step:
    """What one file was before a commit, and what it is in it; an empty path: not there."""

    before: str
    blob: str
    after: str


def lineage(
    git: GitRunner,
    bare: Path,
    commits: Sequence[str],
    tree: dict[str, str],
    patterns: Sequence[str],
    empty: str,
) -> dict[str, tuple[str, ...]]:
    """Commit → the paths of files that match a pattern there, or that became such a file later.

    A file is followed back through renames, as git finds them, and through contents: what holds the
    same bytes as one that is followed is followed too, unless the newest commit shows those bytes
    at a path that no pattern means.

    Args:
        commits: newest first, each the first parent of the one before it.
        tree: path → blob of the newest one.
        patterns: see `labcrew.path_patterns`.
        empty: the blob of an empty file, which nothing can be told by.

    Raises BoundaryError where there are more changes than can be read.
    """
    tree = dict(tree)
    followed = {path for path in tree if matches(path, patterns)}
    shown = {blob for path, blob in tree.items() if path not in followed} | {empty}
    known: set[str] = set()
    found: dict[str, tuple[str, ...]] = {}
    steps = _steps(git, bare, commits)
    for index, commit in enumerate(commits):
        _follow_contents(tree, followed, known, shown)
        found[commit] = tuple(sorted(followed))
        if index + 1 < len(commits):
            followed = _earlier(tree, followed, steps.get(commit, ()), patterns)
    return found


def _earlier(
    tree: dict[str, str], followed: set[str], steps: Sequence[Step], patterns: Sequence[str]
) -> set[str]:
    """Takes a tree one commit back; answers what is followed there."""
    came = {step.before for step in steps if step.before and step.after in followed}
    for step in steps:
        tree.pop(step.after, None)
    for step in steps:
        if step.before:
            tree[step.before] = step.blob
    came |= {step.before for step in steps if step.before and matches(step.before, patterns)}
    return {path for path in followed | came if path in tree}


def _follow_contents(
    tree: dict[str, str], followed: set[str], known: set[str], shown: set[str]
) -> None:
    known |= {tree[path] for path in followed} - shown
    followed |= {path for path, blob in tree.items() if blob in known}


def _steps(git: GitRunner, bare: Path, commits: Sequence[str]) -> dict[str, tuple[Step, ...]]:
    """Commit → what it changes over the next older one."""
    pairs = "".join(f"{new} {old}\n" for new, old in pairwise(commits))
    output = git.run(
        bare, "diff-tree", "--stdin", *_FLAGS,
        stdin=pairs.encode(), limit_bytes=_LIST_BYTES, timeout_s=_LONGEST_S,
    )  # fmt: skip
    if len(output) == _LIST_BYTES:
        raise BoundaryError("The history changes more files than can be followed.")
    fields = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    found: dict[str, list[Step]] = {}
    commit = ""
    for field in fields:
        if field.startswith(":"):
            found[commit].append(_step(field, fields))
        elif field:
            commit = field
            found[commit] = []
    return {commit: tuple(steps) for commit, steps in found.items()}


def _step(head: str, fields: Iterator[str]) -> Step:
    _, _, blob, _, state = head.split(" ")
    path = next(fields)
    match state[0]:
        case "A":
            return Step("", "", path)
        case "D":
            return Step(path, blob, "")
        case "R":
            return Step(path, blob, next(fields))
        case _:
            return Step(path, blob, path)


def as_patterns(paths: Iterable[str]) -> tuple[str, ...]:
    """Paths as patterns that are text: a byte that is none is any character."""
    return tuple("".join("?" if "\udc80" <= c <= "\udcff" else c for c in path) for path in paths)
