"""Whether tests that still fail do so further on: what led there is worth building upon."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from agents.programming.failures import stacks
from labcrew.domain.testing import TestReport

Place = tuple[str, int]


def further(
    before: TestReport,
    after: TestReport,
    names: Sequence[str],
    old: Mapping[str, str],
    new: Mapping[str, str],
) -> bool:
    """Whether each of some tests, all failing in both runs, got further in the second.

    Told by the lines that their failures went through. A failure that ends in a line of the change
    itself, in one that ran before, or in the caller of what had failed is not further: code that
    swallows an error, or breaks sooner, comes to the same. Nor is one whose lines are not known.

    Args:
        before: the run of what was built upon so far.
        after: the run of the change.
        names: the tests that fail in both.
        old: path → text of what was built upon.
        new: path → text of the files that differ from it, or may.
    """
    was, now = stacks(before), stacks(after)
    same = {path: _same_lines(old[path], text) for path, text in new.items() if path in old}

    def got_further(name: str) -> bool:
        inner = name.partition("::")[2].replace("::", ".")
        if not was.get(inner) or not now.get(inner):
            return False
        mapped = [_mapped(place, same, new) for place in now[inner]]
        for one, other in zip(was[inner], mapped, strict=False):
            if other is None:
                return False
            if one != other:
                return None not in mapped and one[0] == other[0] and other[1] > one[1]
        return False

    return bool(names) and all(got_further(name) for name in names)


def _mapped(
    place: Place, same: Mapping[str, Mapping[int, int]], new: Mapping[str, str]
) -> Place | None:
    """Where a line stood before the change; None: it is the change's own."""
    path, line = place
    if path not in new:
        return place
    stood = same.get(path, {}).get(line)
    return None if stood is None else (path, stood)


def _same_lines(old: str, new: str) -> dict[int, int]:
    """Numbers of the lines that a change left as they were: after it → before it, from 1."""
    # Only "\n" ends a line that a traceback counts; a form feed does not.
    matcher = SequenceMatcher(None, old.split("\n"), new.split("\n"), autojunk=False)
    return {
        block.b + offset + 1: block.a + offset + 1
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }
